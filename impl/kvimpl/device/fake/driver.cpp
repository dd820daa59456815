// A libcuda.so.1 without a GPU: the driver calls that kvproof's CUDA backend and torch make, on the
// host's memory. It decides what each call refuses; when work executes is machine.h's matter, which
// bytes exist is memory.h's, what capture forbids is capture.cpp's. It knows no caches.
//
// What is not implemented is not exported, so cuda.bindings refuses it by name.

#include "capture.h"
#include "kernels.h"
#include "memory.h"

using namespace fake;
using HostFunction = void (*)(void*);

namespace {
int idle(Stream* s) { return until([=] { return s->queue.empty(); }); }
bool is_event(void* event) { return events.count(static_cast<Event*>(event)) != 0; }
MarkPtr mark_of(void* event) { return static_cast<Event*>(event)->mark; }
}  // namespace

#define ENTER(call) Guard guard(mutex); if (int refused = enter(call)) return refused
#define STREAM(handle) Stream* s = stream_of(handle); if (!s) return INVALID_HANDLE
#define NOT_CAPTURING(s) if (int refused = refuse_capturing(s)) return refused
#define SAFE_IN_CAPTURE if (int refused = refuse_unsafe()) return refused

#pragma GCC visibility push(default)
extern "C" {

// ---- device and context

int cuInit(unsigned flags) {
    Guard guard(mutex);
    if (flags) return INVALID_VALUE;
    if (int code = injected("cuInit")) return code;
    initialised = true;
    return SUCCESS;
}
int cuDriverGetVersion(int* version) { *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int* count) { *count = 1; return initialised ? SUCCESS : NOT_INITIALIZED; }
int cuDeviceGet(int* device, int ordinal) { *device = 0; return ordinal ? INVALID_DEVICE : SUCCESS; }
int cuDeviceGetName(char* name, int length, int) {
    snprintf(name, length, "kvproof fake device");
    return SUCCESS;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 75: *value = 9; return SUCCESS;  // COMPUTE_CAPABILITY_MAJOR
        case 76: *value = 0; return SUCCESS;  // COMPUTE_CAPABILITY_MINOR
        case 41: *value = 1; return SUCCESS;  // UNIFIED_ADDRESSING
        case 1: *value = 1024; return SUCCESS;  // MAX_THREADS_PER_BLOCK
    }
    return NOT_SUPPORTED;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
    Guard guard(mutex);
    if (!initialised) return NOT_INITIALIZED;
    *context = CONTEXT;
    return SUCCESS;
}
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) {
    *flags = 0;
    *active = initialised;
    return SUCCESS;
}
int cuCtxSetCurrent(void* context) { current_context = context; return SUCCESS; }
int cuCtxGetCurrent(void** context) { *context = current_context; return SUCCESS; }
int cuCtxSynchronize() {
    ENTER("cuCtxSynchronize");
    SAFE_IN_CAPTURE;
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

int cuMemAlloc_v2(Address* out, size_t nbytes) {
    ENTER("cuMemAlloc");
    SAFE_IN_CAPTURE;
    return give(out, nbytes, Space::DEVICE);
}
int cuMemFree_v2(Address address) {
    ENTER("cuMemFree");
    SAFE_IN_CAPTURE;
    return take(address, Space::DEVICE);
}
int cuMemHostAlloc(void** out, size_t nbytes, unsigned) {
    ENTER("cuMemHostAlloc");
    SAFE_IN_CAPTURE;
    return give(reinterpret_cast<Address*>(out), nbytes, Space::PINNED);
}
int cuMemFreeHost(void* address) {
    ENTER("cuMemFreeHost");
    SAFE_IN_CAPTURE;
    return take(Address(address), Space::PINNED);
}
int cuMemGetInfo_v2(size_t* left, size_t* all) {
    ENTER("cuMemGetInfo");
    *left = capacity - in_use;
    *all = capacity;
    return SUCCESS;
}
int cuPointerGetAttribute(void* out, int attribute, Address address) {
    ENTER("cuPointerGetAttribute");
    auto* piece = piece_at(address);
    if (!piece || piece->second.freed) return INVALID_VALUE;
    switch (attribute) {
        case 1: *static_cast<void**>(out) = CONTEXT; return SUCCESS;
        case 2: *static_cast<unsigned*>(out) = piece->second.space == Space::PINNED ? 1 : 2; return SUCCESS;
        case 9: *static_cast<int*>(out) = 0; return SUCCESS;  // DEVICE_ORDINAL
    }
    return NOT_SUPPORTED;
}
int cuMemcpyAsync(Address to, Address from, size_t nbytes, void* handle) {
    ENTER("cuMemcpyAsync");
    return copy(to, from, nbytes, handle);
}
int cuMemcpy(Address to, Address from, size_t nbytes) {
    ENTER("cuMemcpy");
    SAFE_IN_CAPTURE;
    if (int refused = copy(to, from, nbytes, nullptr)) return refused;
    return idle(&legacy);
}
int cuMemsetD8Async(Address to, unsigned char byte, size_t nbytes, void* handle) {
    ENTER("cuMemsetD8Async");
    return fill(to, byte, nbytes, handle);
}

// ---- streams and events

int cuStreamCreate(void** out, unsigned flags) {
    ENTER("cuStreamCreate");
    streams.emplace_back(new Stream{int(streams.size()) + 1, flags, {}});
    *out = streams.back().get();
    return SUCCESS;
}
int cuStreamCreateWithPriority(void** out, unsigned flags, int) { return cuStreamCreate(out, flags); }
int cuStreamDestroy_v2(void* handle) {
    ENTER("cuStreamDestroy");
    Stream* s = stream_of(handle);
    if (!s || s == &legacy) return INVALID_HANDLE;
    s->destroyed = true;  // queued work goes on to its end
    return SUCCESS;
}
int cuStreamGetFlags(void* handle, unsigned* flags) {
    ENTER("cuStreamGetFlags");
    STREAM(handle);
    *flags = s->flags;
    return SUCCESS;
}
int cuStreamQuery(void* handle) {
    ENTER("cuStreamQuery");
    STREAM(handle);
    NOT_CAPTURING(s);
    return polled([=] { return s->queue.empty(); });
}
int cuStreamSynchronize(void* handle) {
    ENTER("cuStreamSynchronize");
    STREAM(handle);
    NOT_CAPTURING(s);
    return idle(s);
}
int cuStreamWaitEvent(void* handle, void* event, unsigned) {
    ENTER("cuStreamWaitEvent");
    STREAM(handle);
    if (!is_event(event)) return INVALID_HANDLE;
    bool is_captured = static_cast<Event*>(event)->is_captured;
    if (s->capturing) return is_captured ? int(SUCCESS) : broken(s, CAPTURE_ISOLATION);
    if (is_captured) return NOT_SUPPORTED;  // a second stream would join the capture
    return push(*s, {"wait", nullptr, mark_of(event), {}, nullptr});
}
int cuEventCreate(void** out, unsigned) {
    ENTER("cuEventCreate");
    *out = *events.insert(new Event).first;
    return SUCCESS;
}
int cuEventDestroy_v2(void* event) {
    ENTER("cuEventDestroy");
    if (!events.erase(static_cast<Event*>(event))) return INVALID_HANDLE;
    delete static_cast<Event*>(event);
    return SUCCESS;
}
int cuEventRecord(void* event, void* handle) {
    ENTER("cuEventRecord");
    STREAM(handle);
    if (!is_event(event)) return INVALID_HANDLE;
    static_cast<Event*>(event)->is_captured = s->capturing != nullptr;
    if (s->capturing) return SUCCESS;  // one stream is one chain: its order needs no edge
    auto mark = pending_mark();
    static_cast<Event*>(event)->mark = mark;
    return push(*s, {"record", [mark] { mark->done = true; return 0; }, nullptr, {}, nullptr});
}
int cuEventRecordWithFlags(void* event, void* handle, unsigned) { return cuEventRecord(event, handle); }
int cuEventQuery(void* event) {
    ENTER("cuEventQuery");
    if (!is_event(event)) return INVALID_HANDLE;
    if (static_cast<Event*>(event)->is_captured) return CAPTURED_EVENT;
    SAFE_IN_CAPTURE;
    auto mark = mark_of(event);
    return polled([=] { return mark->done; });
}
int cuEventSynchronize(void* event) {
    ENTER("cuEventSynchronize");
    if (!is_event(event)) return INVALID_HANDLE;
    if (static_cast<Event*>(event)->is_captured) return CAPTURED_EVENT;
    SAFE_IN_CAPTURE;
    auto mark = mark_of(event);
    return until([=] { return mark->done; });
}

// ---- values in memory that streams wait for and write

int cuStreamWaitValue32_v2(void* handle, Address at, uint32_t value, unsigned flags) {
    ENTER("cuStreamWaitValue32");
    STREAM(handle);
    if (flags || s->capturing) return NOT_SUPPORTED;  // 0 is: until *at has reached the value
    if (at % 4 || !is_in_arena(at) || !is_usable(at, 4)) return INVALID_VALUE;
    auto* word = reinterpret_cast<volatile uint32_t*>(at);
    return push(*s, {"wait value", nullptr, nullptr, {}, [=] { return int32_t(*word - value) >= 0; }});
}
int cuStreamWriteValue32_v2(void* handle, Address at, uint32_t value, unsigned flags) {
    ENTER("cuStreamWriteValue32");
    STREAM(handle);
    if (flags || s->capturing) return NOT_SUPPORTED;
    if (at % 4 || !is_in_arena(at) || !is_usable(at, 4)) return INVALID_VALUE;
    auto* word = reinterpret_cast<volatile uint32_t*>(at);
    return push(*s, {"write value", [=] { *word = value; return 0; }, nullptr, {}, nullptr});
}

// ---- modules and work

int cuModuleLoadData(void** out, const void* image) {
    ENTER("cuModuleLoadData");
    auto* text = static_cast<const char*>(image);
    if (!text || memcmp(text, "\x7f" "ELF", 4) == 0) return NOT_SUPPORTED;  // PTX: its names can be read
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
    STREAM(handle);
    if (!function) return INVALID_HANDLE;
    if (extra) return NOT_SUPPORTED;
    if (!gx || !gy || !gz || !bx || !by || !bz || bx * by * bz > 1024) return INVALID_VALUE;
    auto* kernel = static_cast<Kernel*>(function);
    auto values = std::make_shared<std::vector<uint64_t>>();  // parameters are copied at the launch
    for (size_t i = 0; i < kernel->sizes.size(); i++) {
        uint64_t value = 0;
        memcpy(&value, parameters[i], kernel->sizes[i]);
        values->push_back(value);
    }
    auto execute = [=] {
        std::vector<void*> pointers;
        for (size_t i = 0; i < values->size(); i++) {
            if (kernel->sizes[i] == 8 && !is_usable((*values)[i], 1)) return int(ILLEGAL_ADDRESS);
            pointers.push_back(&(*values)[i]);
        }
        const unsigned shape[6] = {gx, gy, gz, bx, by, bz};
        return kernel->twin(pointers.data(), shape) ? int(LAUNCH_FAILED) : int(SUCCESS);
    };
    return push(*s, {kernel->name, execute, nullptr, footprint_of(*kernel, *values), nullptr});
}
int cuLaunchHostFunc(void* handle, HostFunction function, void* data) {
    ENTER("cuLaunchHostFunc");
    STREAM(handle);
    return push(*s, {"host function", [=] {
        in_host_function = true;
        function(data);
        in_host_function = false;
        return int(SUCCESS);
    }, nullptr, {}, nullptr});
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
int cuGetProcAddress(const char* name, void** out, int version, uint64_t flags) {
    return cuGetProcAddress_v2(name, out, version, flags, nullptr);
}
}
