// The memory of the fake driver, and its traps: which bytes exist, and who touches them too early.
//
// The idea: memory is never given out twice, so an operation that finds its bytes freed is an illegal
// address and never an accident. With traps on, the pages of pinned memory that a pending operation
// will use are closed to the host (to its writes, or to all of it where they will be written), so
// code that declares nothing is caught by the processor. A page is opened when an access to it was
// seen, until nothing pending uses it: an access to other bytes of such a page is counted as near.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstring>

#include "machine.h"

namespace fake {

enum class Space { DEVICE, PINNED };
struct Piece { size_t nbytes; Space space; bool freed = false; };
struct Page { int readers = 0, writers = 0; bool opened = false; };

constexpr size_t PAGE = 4096, ARENA = size_t(1) << 34;
constexpr unsigned char UNWRITTEN = 0xCD, POISON = 0xDB;

inline size_t capacity = size_t(1) << 32, in_use = 0, arena_used = 0;
inline char* arena = nullptr;
inline std::map<Address, Piece> pieces;
inline bool traps_on = false;
inline int trap_signal = 0;
inline std::map<Address, Page> pages;  // those that pending operations use, by number
inline std::vector<std::string> traps;
inline unsigned long long near_count = 0;
inline struct sigaction handler_before;

// The piece that holds an address, freed or not; none means memory that the driver did not give.
inline std::pair<const Address, Piece>* piece_at(Address address) {
    auto after = pieces.upper_bound(address);
    if (after == pieces.begin()) return nullptr;
    auto& found = *--after;
    return address < found.first + found.second.nbytes ? &found : nullptr;
}
inline bool is_in_arena(Address a) {
    return arena && a >= Address(arena) && a < Address(arena) + ARENA;
}
inline bool is_usable(Address address, size_t nbytes) {
    if (!is_in_arena(address)) return true;  // pageable memory: the host's own
    auto* found = piece_at(address);
    return found && !found->second.freed && address + nbytes <= found->first + found->second.nbytes;
}

inline void protect(Address number, const Page& page, bool is_lifted) {
    int allowed = PROT_READ | PROT_WRITE;
    if (!is_lifted && !page.opened)
        allowed = page.writers ? PROT_NONE : page.readers ? PROT_READ : PROT_READ | PROT_WRITE;
    mprotect(reinterpret_cast<void*>(number * PAGE), PAGE, allowed);
}

// Each page of pinned memory that the operation will use counts it; device memory is not the host's.
inline void count_uses(const Operation& operation, int by) {
    if (!traps_on) return;
    for (auto& use : operation.uses) {
        auto* piece = use.nbytes ? piece_at(use.start) : nullptr;
        if (!piece || piece->second.space != Space::PINNED) continue;
        for (Address n = use.start / PAGE; n <= (use.start + use.nbytes - 1) / PAGE; n++) {
            if (by < 0 && !pages.count(n)) continue;
            auto& page = pages[n];
            (use.writes ? page.writers : page.readers) += by;
            protect(n, page, false);
            if (page.readers <= 0 && page.writers <= 0) pages.erase(n);
        }
    }
}
inline void uses_begin(const Operation& operation) { count_uses(operation, 1); }
inline void uses_end(const Operation& operation) { count_uses(operation, -1); }

// While an operation executes every page is open: what it touches is not the host's access.
inline Lifted::Lifted() { for (auto& entry : pages) protect(entry.first, entry.second, true); }
inline Lifted::~Lifted() { for (auto& entry : pages) protect(entry.first, entry.second, false); }

// The pending use that an access of the host to this byte comes too early for.
inline bool conflict(Address at, bool writes, std::string* told) {
    std::vector<Stream*> all{&legacy};
    for (auto& s : streams) all.push_back(s.get());
    for (auto* s : all)
        for (auto& operation : s->queue)
            for (auto& use : operation.uses) {
                if (at < use.start || at >= use.start + use.nbytes || !(writes || use.writes)) continue;
                auto* piece = piece_at(at);
                char text[256];
                snprintf(text, sizeof text,
                         "the host %s byte %llu of pinned memory of %zu bytes while '%s' on stream %d "
                         "is pending, which %s bytes %llu to %llu of it",
                         writes ? "writes" : "reads", at - piece->first, piece->second.nbytes,
                         operation.label.c_str(), s->number, use.writes ? "writes" : "reads",
                         use.start - piece->first, use.start - piece->first + use.nbytes);
                *told = text;
                return true;
            }
    return false;
}

// The processor stopped the host at a closed page: note it, open the page, let the host go on.
inline void on_fault(int, siginfo_t* info, void* context) {
    Address at = Address(info->si_addr);
    Guard guard(mutex);
    auto found = pages.find(at / PAGE);
    if (!is_in_arena(at) || found == pages.end() || found->second.opened) {
        sigaction(SIGSEGV, &handler_before, nullptr);
        return;
    }
    bool writes = true;
#if defined(__x86_64__)
    writes = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & 2;
#endif
    std::string told;
    bool is_early = conflict(at, writes, &told);
    if (is_early) traps.push_back(told); else near_count++;
    found->second.opened = true;
    protect(at / PAGE, found->second, true);
    if (is_early && trap_signal) raise(trap_signal);
}

inline void set_traps(bool on) {
    for (auto& entry : pages) protect(entry.first, entry.second, true);
    pages.clear();
    traps.clear();
    near_count = 0;
    if (on && !traps_on) {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &action, &handler_before);
    } else if (!on && traps_on) {
        sigaction(SIGSEGV, &handler_before, nullptr);
    }
    traps_on = on;
    for (auto& operation : legacy.queue) uses_begin(operation);
    for (auto& s : streams) for (auto& operation : s->queue) uses_begin(operation);
}

inline int give(Address* out, size_t nbytes, Space space) {
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

inline int take(Address address, Space space) {
    auto found = pieces.find(address);
    if (found == pieces.end() || found->second.freed || found->second.space != space)
        return INVALID_VALUE;
    Lifted lifted;
    found->second.freed = true;
    in_use -= found->second.nbytes;
    memset(reinterpret_cast<void*>(address), POISON, found->second.nbytes);
    return SUCCESS;
}

inline int move(Address to, Address from, size_t nbytes) {
    if (!is_usable(to, nbytes) || !is_usable(from, nbytes)) return ILLEGAL_ADDRESS;
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), nbytes);
    return SUCCESS;
}

inline int copy(Address to, Address from, size_t nbytes, void* handle) {
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    if (!nbytes || !is_usable(to, nbytes) || !is_usable(from, nbytes)) return INVALID_VALUE;
    Operation operation{"copy", nullptr, nullptr, {{to, nbytes, true}}, nullptr};
    if (!is_in_arena(from) && !pageable_is_late && !s->capturing) {
        auto* bytes = reinterpret_cast<const char*>(from);
        auto staged = std::make_shared<std::vector<char>>(bytes, bytes + nbytes);
        operation.label = "copy staged";
        operation.execute = [=] { return move(to, Address(staged->data()), nbytes); };
    } else {
        operation.uses.push_back({from, nbytes, false});
        operation.execute = [=] { return move(to, from, nbytes); };
    }
    int refused = push(*s, std::move(operation));
    if (refused || is_in_arena(to) || pageable_is_late || s->capturing) return refused;
    return until([=] { return s->queue.empty(); });
}

inline int fill(Address to, unsigned char byte, size_t nbytes, void* handle) {
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    if (!nbytes || !is_in_arena(to) || !is_usable(to, nbytes)) return INVALID_VALUE;
    return push(*s, {"fill", [=] {
        if (!is_usable(to, nbytes)) return int(ILLEGAL_ADDRESS);
        memset(reinterpret_cast<void*>(to), byte, nbytes);
        return int(SUCCESS);
    }, nullptr, {{to, nbytes, true}}, nullptr});
}

}  // namespace fake
