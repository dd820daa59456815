// A libcuda.so.1 without a GPU: the driver calls that kvproof's CUDA backend makes, on the host's
// memory. It decides when enqueued work executes and what is refused; it knows no caches.
//
// The idea: a stream is a queue, and a queued operation executes only inside some driver call, when
// a seeded choice or the controlling program says so. `eager` 0 is the slowest device there can be
// (nothing executes until the host waits), 100 the fastest. Memory is never given out twice, so an
// operation that finds its bytes freed is an illegal address and never an accident.
//
// What is not implemented is not exported, so cuda.bindings refuses it by name. Types are written out
// here because the ABI is plain C and cuda.h is not on every machine.

#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace {

enum Result : int {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101,
    INVALID_IMAGE = 200, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500,
    NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_TIMEOUT = 702, LAUNCH_FAILED = 719,
    NOT_PERMITTED = 800, NOT_SUPPORTED = 801,
};
const std::map<int, const char*> NAMES = {
    {SUCCESS, "CUDA_SUCCESS"}, {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"}, {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"}, {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"}, {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"}, {NOT_READY, "CUDA_ERROR_NOT_READY"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"}, {NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
};

using Address = unsigned long long;
using HostFunction = void (*)(void*);
using Twin = int (*)(void** parameters, const unsigned* grid_and_block);

struct Mark { bool done = true; };
using MarkPtr = std::shared_ptr<Mark>;
struct Operation { std::string label; std::function<int()> execute; MarkPtr after; };
struct Stream { int number; unsigned flags; std::deque<Operation> queue; bool destroyed = false, held = false; };
struct Event { MarkPtr mark = std::make_shared<Mark>(); };
enum class Space { DEVICE, PINNED };
struct Piece { size_t nbytes; Space space; bool freed = false; };
struct Module { std::string image; };
struct Kernel { std::string name; std::vector<int> sizes; Twin twin; };
struct Fault { int skip; int code; };

constexpr unsigned NON_BLOCKING = 1;
constexpr int POLLS_UNTIL_PROGRESS = 8;
constexpr size_t PAGE = 4096, ARENA = size_t(1) << 34;
constexpr unsigned char UNWRITTEN = 0xCD, POISON = 0xDB;
void* const CONTEXT = reinterpret_cast<void*>(0xC0DE);

// The state of the one device of this process: a driver has one, so a stand-in for it does too.
std::recursive_mutex mutex;
bool initialised = false, pageable_is_late = false;
int failure = SUCCESS, eager = 0, polls = 0;
uint64_t random_state = 88172645463325252ull;
unsigned long long executed = 0;
size_t capacity = size_t(1) << 32, in_use = 0, arena_used = 0;
char* arena = nullptr;
std::map<Address, Piece> pieces;
Stream legacy{0, 0, {}};
std::vector<std::unique_ptr<Stream>> streams;
std::set<Event*> events;
std::set<Module*> modules;
std::map<std::string, std::unique_ptr<Kernel>> kernels;
std::multimap<std::string, Fault> faults;
thread_local void* current_context = nullptr;
thread_local bool in_host_function = false;

using Guard = std::lock_guard<std::recursive_mutex>;

int injected(const char* call) {
    auto found = faults.find(call);
    if (found == faults.end() || found->second.skip-- > 0) return SUCCESS;
    int code = found->second.code;
    faults.erase(found);
    return code;
}

// What every call checks first: a planned fault, an initialised driver, a current context on this
// thread, no call from a host function, and a device that has not failed.
int enter(const char* call) {
    if (!initialised) return NOT_INITIALIZED;
    if (in_host_function) return NOT_PERMITTED;
    if (current_context != CONTEXT) return INVALID_CONTEXT;
    if (failure) return failure;
    return injected(call);
}
#define ENTER(call) Guard guard(mutex); if (int refused = enter(call)) return refused

uint64_t chance() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

bool is_ready(const Stream& s) {
    return !s.held && !s.queue.empty() && (!s.queue.front().after || s.queue.front().after->done);
}

void execute_front(Stream& s) {
    Operation operation = std::move(s.queue.front());
    s.queue.pop_front();
    executed++;
    int code = injected("execute");
    if (!code && operation.execute) code = operation.execute();
    if (code && !failure) failure = code;
}

bool step() {
    if (failure) return false;
    std::vector<Stream*> ready;
    if (is_ready(legacy)) ready.push_back(&legacy);
    for (auto& s : streams) if (is_ready(*s)) ready.push_back(s.get());
    if (ready.empty()) return false;
    execute_front(*ready[chance() % ready.size()]);
    return true;
}

void maybe() { while (eager && int(chance() % 100) < eager && step()) {} }

int until(const std::function<bool()>& reached) {
    while (!reached()) {
        if (failure) return failure;
        if (!step()) return failure ? failure : LAUNCH_TIMEOUT;  // a real device would hang here
    }
    return failure;
}

// A device makes progress while a host polls, so a poll that keeps failing lets one operation run.
int polled(const std::function<bool()>& reached) {
    maybe();
    if (!reached() && ++polls > POLLS_UNTIL_PROGRESS) step();
    if (failure) return failure;
    if (!reached()) return NOT_READY;
    polls = 0;
    return SUCCESS;
}

Stream* stream_of(void* handle) {
    if (!handle || handle == reinterpret_cast<void*>(1)) return &legacy;
    for (auto& s : streams) if (s.get() == handle && !s->destroyed) return s.get();
    return nullptr;
}

MarkPtr pending_mark() { auto mark = std::make_shared<Mark>(); mark->done = false; return mark; }

void fence(Stream& from, Stream& to) {
    if (from.queue.empty()) return;
    auto mark = pending_mark();
    from.queue.push_back({"fence", [mark] { mark->done = true; return 0; }, nullptr});
    to.queue.push_back({"fenced", nullptr, mark});
}

void push(Stream& s, Operation operation) {
    polls = 0;
    if (&s == &legacy) {
        for (auto& other : streams) if (!(other->flags & NON_BLOCKING)) fence(*other, s);
    } else if (!(s.flags & NON_BLOCKING)) {
        fence(legacy, s);
    }
    s.queue.push_back(std::move(operation));
    maybe();
}

// The piece that holds an address, freed or not; none means memory that the driver did not give.
std::pair<const Address, Piece>* piece_at(Address address) {
    auto after = pieces.upper_bound(address);
    if (after == pieces.begin()) return nullptr;
    auto& found = *--after;
    return address < found.first + found.second.nbytes ? &found : nullptr;
}
bool is_in_arena(Address a) { return arena && a >= Address(arena) && a < Address(arena) + ARENA; }

bool is_usable(Address address, size_t nbytes) {
    if (!is_in_arena(address)) return true;  // pageable memory: the host's own
    auto* found = piece_at(address);
    return found && !found->second.freed && address + nbytes <= found->first + found->second.nbytes;
}

int give(Address* out, size_t nbytes, Space space) {
    size_t whole = (nbytes + PAGE - 1) / PAGE * PAGE;
    if (!nbytes) return INVALID_VALUE;
    if (!arena) {
        void* got = mmap(nullptr, ARENA, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (got == MAP_FAILED) return OUT_OF_MEMORY;
        arena = static_cast<char*>(got);
    }
    if (nbytes > capacity - in_use || whole > ARENA - arena_used) return OUT_OF_MEMORY;
    *out = Address(arena + arena_used);
    arena_used += whole;
    in_use += nbytes;
    pieces[*out] = {nbytes, space};
    memset(reinterpret_cast<void*>(*out), UNWRITTEN, nbytes);
    return SUCCESS;
}

int take(Address address, Space space) {
    auto found = pieces.find(address);
    if (found == pieces.end() || found->second.freed || found->second.space != space)
        return INVALID_VALUE;
    found->second.freed = true;
    in_use -= found->second.nbytes;
    memset(reinterpret_cast<void*>(address), POISON, found->second.nbytes);
    return SUCCESS;
}

int move(Address to, Address from, size_t nbytes) {
    if (!is_usable(to, nbytes) || !is_usable(from, nbytes)) return ILLEGAL_ADDRESS;
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), nbytes);
    return SUCCESS;
}

int copy(Address to, Address from, size_t nbytes, void* handle) {
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    if (!nbytes || !is_usable(to, nbytes) || !is_usable(from, nbytes)) return INVALID_VALUE;
    if (!is_in_arena(from) && !pageable_is_late) {
        auto* bytes = reinterpret_cast<const char*>(from);
        auto staged = std::make_shared<std::vector<char>>(bytes, bytes + nbytes);
        push(*s, {"copy staged", [=] { return move(to, Address(staged->data()), nbytes); }, nullptr});
    } else {
        push(*s, {"copy", [=] { return move(to, from, nbytes); }, nullptr});
    }
    if (is_in_arena(to) || pageable_is_late) return SUCCESS;
    return until([=] { return s->queue.empty(); });
}

}  // namespace

extern "C" {

// ---- control: what the program that owns the fake may say and ask; these are not CUDA's

void fake_seed(uint64_t seed) { Guard g(mutex); random_state = seed * 0x9E3779B97F4A7C15ull + 1; }
void fake_eager(int percent) { Guard g(mutex); eager = percent; }
void fake_pageable_late(int late) { Guard g(mutex); pageable_is_late = late; }
void fake_capacity(size_t nbytes) { Guard g(mutex); capacity = nbytes; }
int fake_step() { Guard g(mutex); return step(); }
unsigned long long fake_executed() { Guard g(mutex); return executed; }
void fake_fail(const char* call, int skip, int code) { Guard g(mutex); faults.insert({call, {skip, code}}); }
int fake_run(void* handle) {  // the oldest operation of one stream, if it may execute
    Guard g(mutex);
    Stream* s = stream_of(handle);
    if (!s || failure || !is_ready(*s)) return 0;
    execute_front(*s);
    return 1;
}
void fake_restart() {  // as a new process would find the device: nothing queued, nothing failed
    Guard g(mutex);
    failure = SUCCESS;
    faults.clear();
    legacy.queue.clear();
    for (auto& s : streams) s->queue.clear();
}
void fake_hold(void* handle, int held) { Guard g(mutex); if (Stream* s = stream_of(handle)) s->held = held; }
int fake_queued(void* handle) { Guard g(mutex); Stream* s = stream_of(handle); return s ? int(s->queue.size()) : -1; }
int fake_live_events() { Guard g(mutex); return int(events.size()); }
int fake_live_pieces() {
    Guard g(mutex);
    int count = 0;
    for (auto& piece : pieces) count += !piece.second.freed;
    return count;
}
int fake_live_streams() {
    Guard g(mutex);
    int count = 0;
    for (auto& s : streams) count += !s->destroyed;
    return count;
}
void fake_kernel(const char* name, int count, const int* sizes, Twin twin) {
    Guard g(mutex);
    kernels[name].reset(new Kernel{name, std::vector<int>(sizes, sizes + count), twin});
}

// ---- device and context

int cuInit(unsigned flags) { Guard g(mutex); if (flags) return INVALID_VALUE; if (int code = injected("cuInit")) return code; initialised = true; return SUCCESS; }
int cuDriverGetVersion(int* version) { *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int* count) { *count = 1; return initialised ? SUCCESS : NOT_INITIALIZED; }
int cuDeviceGet(int* device, int ordinal) { *device = 0; return ordinal ? INVALID_DEVICE : SUCCESS; }
int cuDeviceGetName(char* name, int length, int) { snprintf(name, length, "kvproof fake device"); return SUCCESS; }
int cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 75: *value = 9; return SUCCESS;  // COMPUTE_CAPABILITY_MAJOR
        case 76: *value = 0; return SUCCESS;  // COMPUTE_CAPABILITY_MINOR
        case 41: *value = 1; return SUCCESS;  // UNIFIED_ADDRESSING
        case 1: *value = 1024; return SUCCESS;  // MAX_THREADS_PER_BLOCK
    }
    return NOT_SUPPORTED;
}
int cuDevicePrimaryCtxRetain(void** context, int) { Guard g(mutex); if (!initialised) return NOT_INITIALIZED; *context = CONTEXT; return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuCtxSetCurrent(void* context) { current_context = context; return SUCCESS; }
int cuCtxGetCurrent(void** context) { *context = current_context; return SUCCESS; }
int cuCtxSynchronize() {
    ENTER("cuCtxSynchronize");
    return until([] {
        bool idle = legacy.queue.empty();
        for (auto& s : streams) idle = idle && s->queue.empty();
        return idle;
    });
}
int cuGetErrorName(int code, const char** name) {
    auto found = NAMES.find(code);
    *name = found == NAMES.end() ? nullptr : found->second;
    return *name ? SUCCESS : INVALID_VALUE;
}
int cuGetErrorString(int code, const char** text) { return cuGetErrorName(code, text); }

// ---- memory

int cuMemAlloc_v2(Address* out, size_t nbytes) { ENTER("cuMemAlloc"); return give(out, nbytes, Space::DEVICE); }
int cuMemFree_v2(Address address) { ENTER("cuMemFree"); return take(address, Space::DEVICE); }
int cuMemHostAlloc(void** out, size_t nbytes, unsigned) { ENTER("cuMemHostAlloc"); return give(reinterpret_cast<Address*>(out), nbytes, Space::PINNED); }
int cuMemFreeHost(void* address) { ENTER("cuMemFreeHost"); return take(Address(address), Space::PINNED); }
int cuMemcpyAsync(Address to, Address from, size_t nbytes, void* s) { ENTER("cuMemcpyAsync"); return copy(to, from, nbytes, s); }
int cuMemsetD8Async(Address to, unsigned char byte, size_t nbytes, void* handle) {
    ENTER("cuMemsetD8Async");
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    if (!nbytes || !is_in_arena(to) || !is_usable(to, nbytes)) return INVALID_VALUE;
    push(*s, {"fill", [=] {
        if (!is_usable(to, nbytes)) return int(ILLEGAL_ADDRESS);
        memset(reinterpret_cast<void*>(to), byte, nbytes);
        return int(SUCCESS);
    }, nullptr});
    return SUCCESS;
}

// ---- streams and events

int cuStreamCreate(void** out, unsigned flags) {
    ENTER("cuStreamCreate");
    streams.emplace_back(new Stream{int(streams.size()) + 1, flags, {}});
    *out = streams.back().get();
    return SUCCESS;
}
int cuStreamDestroy_v2(void* handle) {
    ENTER("cuStreamDestroy");
    Stream* s = stream_of(handle);
    if (!s || s == &legacy) return INVALID_HANDLE;
    s->destroyed = true;  // queued work goes on to its end
    return SUCCESS;
}
int cuStreamQuery(void* handle) { ENTER("cuStreamQuery"); Stream* s = stream_of(handle); return s ? polled([=] { return s->queue.empty(); }) : INVALID_HANDLE; }
int cuStreamSynchronize(void* handle) { ENTER("cuStreamSynchronize"); Stream* s = stream_of(handle); return s ? until([=] { return s->queue.empty(); }) : INVALID_HANDLE; }
int cuStreamWaitEvent(void* handle, void* event, unsigned) {
    ENTER("cuStreamWaitEvent");
    Stream* s = stream_of(handle);
    if (!s || !events.count(static_cast<Event*>(event))) return INVALID_HANDLE;
    push(*s, {"wait", nullptr, static_cast<Event*>(event)->mark});
    return SUCCESS;
}
int cuEventCreate(void** out, unsigned) { ENTER("cuEventCreate"); auto* event = new Event; events.insert(event); *out = event; return SUCCESS; }
int cuEventDestroy_v2(void* event) {
    ENTER("cuEventDestroy");
    if (!events.erase(static_cast<Event*>(event))) return INVALID_HANDLE;
    delete static_cast<Event*>(event);
    return SUCCESS;
}
int cuEventRecord(void* event, void* handle) {
    ENTER("cuEventRecord");
    Stream* s = stream_of(handle);
    if (!s || !events.count(static_cast<Event*>(event))) return INVALID_HANDLE;
    auto mark = pending_mark();
    static_cast<Event*>(event)->mark = mark;
    push(*s, {"record", [mark] { mark->done = true; return 0; }, nullptr});
    return SUCCESS;
}
int cuEventQuery(void* event) {
    ENTER("cuEventQuery");
    if (!events.count(static_cast<Event*>(event))) return INVALID_HANDLE;
    auto mark = static_cast<Event*>(event)->mark;
    return polled([=] { return mark->done; });
}
int cuEventSynchronize(void* event) {
    ENTER("cuEventSynchronize");
    if (!events.count(static_cast<Event*>(event))) return INVALID_HANDLE;
    auto mark = static_cast<Event*>(event)->mark;
    return until([=] { return mark->done; });
}

// ---- modules and work

int cuModuleLoadData(void** out, const void* image) {
    ENTER("cuModuleLoadData");
    auto* text = static_cast<const char*>(image);
    if (!text || memcmp(text, "\x7f" "ELF", 4) == 0) return NOT_SUPPORTED;  // PTX only: its names can be read
    if (!strstr(text, ".version") || !strstr(text, ".target")) return INVALID_IMAGE;
    *out = *modules.insert(new Module{text}).first;
    return SUCCESS;
}
int cuModuleUnload(void* module) {
    ENTER("cuModuleUnload");
    if (!modules.erase(static_cast<Module*>(module))) return INVALID_HANDLE;
    delete static_cast<Module*>(module);
    return SUCCESS;
}
int cuModuleGetFunction(void** out, void* module, const char* name) {
    ENTER("cuModuleGetFunction");
    if (!modules.count(static_cast<Module*>(module))) return INVALID_HANDLE;
    auto entry = std::string(".entry ") + name + "(";
    auto found = kernels.find(name);
    if (static_cast<Module*>(module)->image.find(entry) == std::string::npos || found == kernels.end())
        return NOT_FOUND;
    *out = found->second.get();
    return SUCCESS;
}
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned, void* handle, void** parameters, void** extra) {
    ENTER("cuLaunchKernel");
    Stream* s = stream_of(handle);
    if (!s || !function) return INVALID_HANDLE;
    if (extra) return NOT_SUPPORTED;
    if (!gx || !gy || !gz || !bx || !by || !bz || bx * by * bz > 1024) return INVALID_VALUE;
    auto* kernel = static_cast<Kernel*>(function);
    auto values = std::make_shared<std::vector<uint64_t>>();  // parameters are copied at the launch
    for (size_t i = 0; i < kernel->sizes.size(); i++) {
        uint64_t value = 0;
        memcpy(&value, parameters[i], kernel->sizes[i]);
        values->push_back(value);
    }
    push(*s, {kernel->name, [=] {
        std::vector<void*> pointers;
        for (size_t i = 0; i < values->size(); i++) {
            if (kernel->sizes[i] == 8 && !is_usable((*values)[i], 1)) return int(ILLEGAL_ADDRESS);
            pointers.push_back(&(*values)[i]);
        }
        const unsigned shape[6] = {gx, gy, gz, bx, by, bz};
        return kernel->twin(pointers.data(), shape) ? int(LAUNCH_FAILED) : int(SUCCESS);
    }, nullptr});
    return SUCCESS;
}
int cuLaunchHostFunc(void* handle, HostFunction function, void* data) {
    ENTER("cuLaunchHostFunc");
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    push(*s, {"host function", [=] {
        in_host_function = true;
        function(data);
        in_host_function = false;
        return int(SUCCESS);
    }, nullptr});
    return SUCCESS;
}

// ---- finding entry points

int cuGetProcAddress_v2(const char* name, void** out, int, uint64_t, int* status) {
    static void* self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    *out = nullptr;
    for (const char* suffix : {"_v2", ""})
        if (!*out) *out = dlsym(self, (std::string(name) + suffix).c_str());
    if (status) *status = *out ? 0 : 1;
    return *out ? SUCCESS : NOT_FOUND;
}
int cuGetProcAddress(const char* name, void** out, int version, uint64_t flags) { return cuGetProcAddress_v2(name, out, version, flags, nullptr); }
}
