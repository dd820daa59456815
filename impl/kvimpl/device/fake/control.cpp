// What the program that owns the fake driver may say and ask; these calls are not CUDA's. They decide
// nothing: see machine.h and memory.h.

#include "kernels.h"
#include "memory.h"

using namespace fake;

#pragma GCC visibility push(default)
extern "C" {

void fake_seed(uint64_t seed) { Guard g(mutex); random_state = seed * 0x9E3779B97F4A7C15ull + 1; }
void fake_eager(int percent) { Guard g(mutex); eager = percent; }
void fake_pageable_late(int late) { Guard g(mutex); pageable_is_late = late; }
void fake_capacity(size_t nbytes) { Guard g(mutex); capacity = nbytes; }
int fake_step() { Guard g(mutex); return step(); }
unsigned long long fake_executed() { Guard g(mutex); return executed; }
void fake_fail(const char* call, int skip, int code) {
    Guard g(mutex);
    faults.insert({call, {skip, code}});
}
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
    if (traps_on) set_traps(true);
}
void fake_hold(void* handle, int held) {
    Guard g(mutex);
    if (Stream* s = stream_of(handle)) s->held = held;
}
int fake_queued(void* handle) {
    Guard g(mutex);
    Stream* s = stream_of(handle);
    return s ? int(s->queue.size()) : -1;
}
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
void fake_kernel(const char* name, int count, const int* sizes, Twin twin, Footprint footprint) {
    Guard g(mutex);
    std::vector<int> widths(sizes, sizes + count);
    kernels[name].reset(new Kernel{name, widths, twin, footprint});
}

// ---- traps: see memory.h. The signal is raised at each, by the thread that touched the page.

void fake_traps(int on, int signal) { Guard g(mutex); trap_signal = signal; set_traps(on); }
int fake_trap_count() { Guard g(mutex); return int(traps.size()); }
const char* fake_trap(int index) { Guard g(mutex); return traps.at(index).c_str(); }
unsigned long long fake_near_count() { Guard g(mutex); return near_count; }
}
