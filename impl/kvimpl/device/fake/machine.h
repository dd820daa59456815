// The device of the fake driver: streams as queues, what of them may execute, and in which order it
// does. It knows no memory (memory.h) and no CUDA entry point (driver.cpp).
//
// The idea: a queued operation executes only inside some driver call, when a seeded choice or the
// controlling program says so. `eager` 0 is the slowest device there can be (nothing executes until
// the host waits), 100 the fastest. Types are written out because the ABI is plain C and cuda.h is
// not on every machine.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fake {

enum Result : int {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101,
    INVALID_IMAGE = 200, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500,
    NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_TIMEOUT = 702, LAUNCH_FAILED = 719,
    NOT_PERMITTED = 800, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901,
    CAPTURE_UNMATCHED = 903, CAPTURE_ISOLATION = 905, CAPTURE_IMPLICIT = 906, CAPTURED_EVENT = 907,
};
inline const std::map<int, const char*> NAMES = {
    {SUCCESS, "CUDA_SUCCESS"}, {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"}, {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"}, {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"}, {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"}, {NOT_READY, "CUDA_ERROR_NOT_READY"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"}, {NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
    {CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"},
    {CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"},
    {CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT"},
    {CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT"},
};

using Address = unsigned long long;

struct Mark { bool done = true; };
using MarkPtr = std::shared_ptr<Mark>;
struct Use { Address start; size_t nbytes; bool writes; };
struct Operation {
    std::string label;
    std::function<int()> execute;
    MarkPtr after;                 // a mark that must be done first
    std::vector<Use> uses;         // bytes that it will use, as far as they are known
    std::function<bool()> opens;   // a value in memory that must have been reached first
};
struct Graph { std::vector<Operation> operations; };
struct Stream {
    int number;
    unsigned flags;
    std::deque<Operation> queue;
    bool destroyed = false, held = false, capture_broken = false;
    int capture_mode = 0;
    std::unique_ptr<Graph> capturing;
};
struct Event { MarkPtr mark = std::make_shared<Mark>(); bool is_captured = false; };
struct Fault { int skip; int code; };

constexpr unsigned NON_BLOCKING = 1;
constexpr int POLLS_UNTIL_PROGRESS = 8;
constexpr int PAUSE_MICROSECONDS = 50, PAUSES_MAX = 200000;
inline void* const CONTEXT = reinterpret_cast<void*>(0xC0DE);

// A thread that waits here never holds Python's lock: whoever is inside may need it for a kernel.
class Mutex {
public:
    void lock() {
        if (mutex_.try_lock()) return;
        auto holds = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "PyGILState_Check"));
        auto release = reinterpret_cast<void* (*)()>(dlsym(RTLD_DEFAULT, "PyEval_SaveThread"));
        auto restore = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "PyEval_RestoreThread"));
        void* thread = holds && holds() ? release() : nullptr;
        mutex_.lock();
        if (thread) restore(thread);
    }
    void unlock() { mutex_.unlock(); }
private:
    std::recursive_mutex mutex_;
};

// The state of the one device of this process: a driver has one, so a stand-in for it does too.
inline Mutex mutex;
inline bool initialised = false, pageable_is_late = false;
inline int failure = SUCCESS, eager = 0, polls = 0;
inline uint64_t random_state = 88172645463325252ull;
inline unsigned long long executed = 0;
inline Stream legacy{0, 0, {}};
inline std::vector<std::unique_ptr<Stream>> streams;
inline std::set<Event*> events;
inline std::multimap<std::string, Fault> faults;
inline thread_local void* current_context = nullptr;
inline thread_local bool in_host_function = false;

using Guard = std::lock_guard<Mutex>;

// What the memory does around an operation: it learns of it, lets it happen, forgets it.
void uses_begin(const Operation& operation);
void uses_end(const Operation& operation);
struct Lifted { Lifted(); ~Lifted(); };

inline int injected(const char* call) {
    auto found = faults.find(call);
    if (found == faults.end() || found->second.skip-- > 0) return SUCCESS;
    int code = found->second.code;
    faults.erase(found);
    return code;
}

// What every call checks first: a planned fault, an initialised driver, a current context on this
// thread, no call from a host function, and a device that has not failed.
inline int enter(const char* call) {
    if (!initialised) return NOT_INITIALIZED;
    if (in_host_function) return NOT_PERMITTED;
    if (current_context != CONTEXT) return INVALID_CONTEXT;
    if (failure) return failure;
    return injected(call);
}

inline uint64_t chance() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

inline bool is_ready(const Stream& s) {
    if (s.held || s.queue.empty()) return false;
    auto& front = s.queue.front();
    return (!front.after || front.after->done) && (!front.opens || front.opens());
}

inline void execute_front(Stream& s) {
    Operation operation = std::move(s.queue.front());
    s.queue.pop_front();
    executed++;
    int code = injected("execute");
    if (!code && operation.execute) {
        Lifted lifted;
        code = operation.execute();
    }
    uses_end(operation);
    if (code && !failure) failure = code;
}

inline bool step() {
    if (failure) return false;
    std::vector<Stream*> ready;
    if (is_ready(legacy)) ready.push_back(&legacy);
    for (auto& s : streams) if (is_ready(*s)) ready.push_back(s.get());
    if (ready.empty()) return false;
    execute_front(*ready[chance() % ready.size()]);
    return true;
}

inline void maybe() { while (eager && int(chance() % 100) < eager && step()) {} }

inline bool waits_for_a_value() {
    auto waits = [](const Stream& s) { return !s.queue.empty() && s.queue.front().opens; };
    for (auto& s : streams) if (waits(*s)) return true;
    return waits(legacy);
}

inline int until(const std::function<bool()>& reached) {
    int pauses = 0;
    while (!reached()) {
        if (failure) return failure;
        if (step()) continue;
        if (failure) return failure;
        // Another thread may write the value; what nothing can end is told where a device would hang.
        if (!waits_for_a_value() || ++pauses > PAUSES_MAX) return LAUNCH_TIMEOUT;
        mutex.unlock();
        usleep(PAUSE_MICROSECONDS);
        mutex.lock();
    }
    return failure;
}

// A device makes progress while a host polls, so a poll that keeps failing lets one operation run.
inline int polled(const std::function<bool()>& reached) {
    maybe();
    if (!reached() && ++polls > POLLS_UNTIL_PROGRESS) step();
    if (failure) return failure;
    if (!reached()) return NOT_READY;
    polls = 0;
    return SUCCESS;
}

inline Stream* stream_of(void* handle) {
    if (!handle || handle == reinterpret_cast<void*>(1)) return &legacy;
    for (auto& s : streams) if (s.get() == handle && !s->destroyed) return s.get();
    return nullptr;
}

inline MarkPtr pending_mark() {
    auto mark = std::make_shared<Mark>();
    mark->done = false;
    return mark;
}

inline void fence(Stream& from, Stream& to) {
    if (from.queue.empty()) return;
    auto mark = pending_mark();
    from.queue.push_back({"fence", [mark] { mark->done = true; return 0; }, nullptr, {}, nullptr});
    to.queue.push_back({"fenced", nullptr, mark, {}, nullptr});
}

inline int push(Stream& s, Operation operation) {
    polls = 0;
    if (s.capturing) {
        s.capturing->operations.push_back(std::move(operation));
        return SUCCESS;
    }
    if (&s == &legacy) {
        for (auto& other : streams) {
            if (other->flags & NON_BLOCKING) continue;
            if (other->capturing) {
                other->capture_broken = true;
                return CAPTURE_IMPLICIT;
            }
            fence(*other, s);
        }
    } else if (!(s.flags & NON_BLOCKING)) {
        fence(legacy, s);
    }
    uses_begin(operation);
    s.queue.push_back(std::move(operation));
    maybe();
    return SUCCESS;
}

}  // namespace fake
