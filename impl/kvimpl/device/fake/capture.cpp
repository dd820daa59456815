// Capture of one stream into a graph, and its replay. It decides what a graph holds: the operations
// in order, with the addresses that they were given; the bytes there are read at each replay.
//
// A capture that would spread to a second stream is refused as not supported.

#include "capture.h"
#include "memory.h"

using namespace fake;

namespace {
std::set<Graph*> graphs;  // templates and executables alike
int destroy(void* graph) {
    Guard guard(mutex);
    if (!graphs.erase(static_cast<Graph*>(graph))) return INVALID_HANDLE;
    delete static_cast<Graph*>(graph);
    return SUCCESS;
}
}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int cuStreamBeginCapture_v2(void* handle, int mode) {
    Guard guard(mutex);
    if (int refused = enter("cuStreamBeginCapture")) return refused;
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    if (s == &legacy || s->capturing) return CAPTURE_UNSUPPORTED;
    s->capturing.reset(new Graph);
    s->capture_mode = mode;
    s->capture_broken = false;
    return SUCCESS;
}
int cuStreamEndCapture(void* handle, void** out) {
    Guard guard(mutex);
    if (int refused = enter("cuStreamEndCapture")) return refused;
    Stream* s = stream_of(handle);
    *out = nullptr;
    if (!s) return INVALID_HANDLE;
    if (!s->capturing) return CAPTURE_UNMATCHED;
    std::unique_ptr<Graph> graph = std::move(s->capturing);
    if (s->capture_broken) return CAPTURE_INVALIDATED;
    *out = *graphs.insert(graph.release()).first;
    return SUCCESS;
}
int cuStreamIsCapturing(void* handle, int* status) {
    Guard guard(mutex);
    Stream* s = stream_of(handle);
    if (!s) return INVALID_HANDLE;
    *status = !s->capturing ? 0 : s->capture_broken ? 2 : 1;
    return SUCCESS;
}
int cuThreadExchangeStreamCaptureMode(int* mode) {
    std::swap(*mode, thread_mode);
    return SUCCESS;
}
int cuGraphInstantiateWithFlags(void** out, void* graph, unsigned long long) {
    Guard guard(mutex);
    if (!graphs.count(static_cast<Graph*>(graph))) return INVALID_HANDLE;
    *out = *graphs.insert(new Graph(*static_cast<Graph*>(graph))).first;
    return SUCCESS;
}
int cuGraphLaunch(void* graph, void* handle) {
    Guard guard(mutex);
    if (int refused = enter("cuGraphLaunch")) return refused;
    Stream* s = stream_of(handle);
    if (!s || !graphs.count(static_cast<Graph*>(graph))) return INVALID_HANDLE;
    for (auto& operation : static_cast<Graph*>(graph)->operations)
        if (int refused = push(*s, operation)) return refused;
    return SUCCESS;
}
int cuGraphDestroy(void* graph) { return destroy(graph); }
int cuGraphExecDestroy(void* graph) { return destroy(graph); }
}
