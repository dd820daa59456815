// A libcudart.so.13 over the fake libcuda.so.1: what torch calls of CUDA's runtime, call by call. It
// decides nothing; the driver does. What torch calls beyond it is in generated stubs, which end here
// in `refused`.
//
// The idea: an error names the call that was refused, also where torch asks for its text only later.
// torch's own kernels are compiled for GPUs: they are known by name, and their launch is refused.

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

extern "C" {
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuCtxSetCurrent(void*);
int cuCtxGetCurrent(void**);
int cuCtxSynchronize();
int cuGetErrorName(int, const char**);
int cuDeviceGetAttribute(int*, int, int);
int cuDriverGetVersion(int*);
int cuMemAlloc_v2(unsigned long long*, size_t);
int cuMemFree_v2(unsigned long long);
int cuMemHostAlloc(void**, size_t, unsigned);
int cuMemFreeHost(void*);
int cuMemGetInfo_v2(size_t*, size_t*);
int cuPointerGetAttribute(void*, int, unsigned long long);
int cuMemcpy(unsigned long long, unsigned long long, size_t);
int cuMemcpyAsync(unsigned long long, unsigned long long, size_t, void*);
int cuMemsetD8Async(unsigned long long, unsigned char, size_t, void*);
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamQuery(void*);
int cuStreamSynchronize(void*);
int cuStreamWaitEvent(void*, void*, unsigned);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuStreamIsCapturing(void*, int*);
int cuThreadExchangeStreamCaptureMode(int*);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuGraphDestroy(void*);
int cuGraphExecDestroy(void*);
int cuEventCreate(void**, unsigned);
int cuEventDestroy_v2(void*);
int cuEventRecord(void*, void*);
int cuEventQuery(void*);
int cuEventSynchronize(void*);
int cuLaunchHostFunc(void*, void (*)(void*), void*);
int cuGetProcAddress_v2(const char*, void**, int, uint64_t, int*);
}

namespace {

constexpr int NOT_SUPPORTED = 801, NOT_FOUND = 500;
constexpr size_t PROPERTIES = 1008;  // sizeof(cudaDeviceProp) of CUDA 13.0
constexpr int LOOKUPS_MAX = 192;
using Address = unsigned long long;
struct Grid { unsigned x, y, z; };
struct Launch { Grid grid, block; size_t shared; void* stream; };
struct Pointed { int type, device; void *on_device, *on_host; long reserved[8]; };

thread_local int last = 0;
thread_local std::string last_refused;
thread_local Launch pushed;
thread_local std::string text;

std::map<const void*, std::string>& torch_kernels() {  // filled while torch's libraries load
    static std::map<const void*, std::string> names;
    return names;
}

int told(int code) {
    if (code) last = code;
    return code;
}
int refuse(const std::string& call) {
    last_refused = call;
    return told(NOT_SUPPORTED);
}
// The runtime makes the device current by itself, on each thread that uses it.
void ready() {
    void* context = nullptr;
    cuCtxGetCurrent(&context);
    if (context) return;
    cuInit(0);
    cuDevicePrimaryCtxRetain(&context, 0);
    cuCtxSetCurrent(context);
}
template <class Call, class... Given> int passed(Call call, Given... given) {
    ready();
    return told(call(given...));
}
Address number(const void* pointer) { return reinterpret_cast<Address>(pointer); }

// Driver calls that torch looks up by name and the fake does not have: each lookup gets a function
// that refuses under that name.
std::string looked_up[LOOKUPS_MAX];
int lookup_count = 0;
template <int N> int refuse_lookup() { return refuse(looked_up[N]); }
template <int... N> void* refusal(int n, std::integer_sequence<int, N...>) {
    static int (*const all[])() = {refuse_lookup<N>...};
    return reinterpret_cast<void*>(all[n]);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int fake_refused(const char* call) { return refuse(call); }  // of the stubs

// ---- device

int cudaGetDeviceCount(int* count) { ready(); *count = 1; return 0; }
int cudaGetDevice(int* device) { *device = 0; return 0; }
int cudaSetDevice(int device) { ready(); return told(device ? 101 : 0); }
int cudaDriverGetVersion(int* version) { return cuDriverGetVersion(version); }
int cudaRuntimeGetVersion(int* version) { *version = 13000; return 0; }
int cudaDeviceGetStreamPriorityRange(int* least, int* greatest) { *least = *greatest = 0; return 0; }
int cudaDeviceCanAccessPeer(int* can, int, int) { *can = 0; return 0; }
int cudaDeviceGetPCIBusId(char* id, int length, int) { snprintf(id, length, "0000:00:00.0"); return 0; }
int cudaDeviceSynchronize() { return passed(cuCtxSynchronize); }
int cudaDeviceGetAttribute(int* value, int attribute, int device) {
    ready();
    int code = cuDeviceGetAttribute(value, attribute, device);
    return code ? refuse("cudaDeviceGetAttribute of attribute " + std::to_string(attribute)) : 0;
}
int cudaGetDeviceProperties(void* properties, int) {
    auto put = [=](size_t offset, auto value) {
        memcpy(static_cast<char*>(properties) + offset, &value, sizeof value);
    };
    memset(properties, 0, PROPERTIES);
    strcpy(static_cast<char*>(properties), "kvproof fake device");
    put(288, size_t(1) << 32);  // totalGlobalMem
    put(296, size_t(49152));    // sharedMemPerBlock
    put(304, 65536);            // regsPerBlock
    put(308, 32);               // warpSize
    put(320, 1024);             // maxThreadsPerBlock
    put(360, 9);                // major
    put(364, 0);                // minor
    put(384, 1);                // multiProcessorCount
    put(392, 1);                // canMapHostMemory
    put(588, 1);                // unifiedAddressing
    put(604, 2048);             // maxThreadsPerMultiProcessor
    return 0;
}

// ---- errors

int cudaGetLastError() { int code = last; last = 0; return code; }
int cudaPeekAtLastError() { return last; }
const char* cudaGetErrorName(int code) {
    const char* name = nullptr;
    cuGetErrorName(code, &name);
    return name ? name : "an error that the fake driver does not know";
}
const char* cudaGetErrorString(int code) {
    text = cudaGetErrorName(code);
    if (code == NOT_SUPPORTED)
        text = "the fake driver does not support " + last_refused + " (CUDA_ERROR_NOT_SUPPORTED)";
    return text.c_str();
}

// ---- memory

int cudaMalloc(void** out, size_t nbytes) { return passed(cuMemAlloc_v2, reinterpret_cast<Address*>(out), nbytes); }
int cudaFree(void* memory) { return memory ? passed(cuMemFree_v2, number(memory)) : 0; }
int cudaHostAlloc(void** out, size_t nbytes, unsigned flags) { return passed(cuMemHostAlloc, out, nbytes, flags); }
int cudaFreeHost(void* memory) { return passed(cuMemFreeHost, memory); }
int cudaMemGetInfo(size_t* left, size_t* all) { return passed(cuMemGetInfo_v2, left, all); }
int cudaMemcpy(void* to, const void* from, size_t nbytes, int) { return passed(cuMemcpy, number(to), number(from), nbytes); }
int cudaMemcpyAsync(void* to, const void* from, size_t nbytes, int, void* stream) { return passed(cuMemcpyAsync, number(to), number(from), nbytes, stream); }
int cudaMemsetAsync(void* to, int byte, size_t nbytes, void* stream) { return passed(cuMemsetD8Async, number(to), (unsigned char)(byte), nbytes, stream); }
int cudaPointerGetAttributes(Pointed* out, const void* memory) {
    ready();
    unsigned type = 0;  // unregistered, unless the driver knows it
    memset(out, 0, sizeof *out);
    out->device = -1;
    if (cuPointerGetAttribute(&type, 2, number(memory))) return 0;
    out->type = int(type);
    out->device = 0;
    out->on_device = const_cast<void*>(memory);
    if (type == 1) out->on_host = out->on_device;
    return 0;
}

// ---- streams, events, capture

int cudaStreamCreate(void** out) { return passed(cuStreamCreate, out, 0u); }
int cudaStreamCreateWithFlags(void** out, unsigned flags) { return passed(cuStreamCreate, out, flags); }
int cudaStreamCreateWithPriority(void** out, unsigned flags, int) { return passed(cuStreamCreate, out, flags); }
int cudaStreamDestroy(void* stream) { return passed(cuStreamDestroy_v2, stream); }
int cudaStreamQuery(void* stream) { return passed(cuStreamQuery, stream); }
int cudaStreamSynchronize(void* stream) { return passed(cuStreamSynchronize, stream); }
int cudaStreamGetPriority(void*, int* priority) { *priority = 0; return 0; }
int cudaStreamWaitEvent(void* stream, void* event, unsigned flags) { return passed(cuStreamWaitEvent, stream, event, flags); }
int cudaStreamBeginCapture(void* stream, int mode) { return passed(cuStreamBeginCapture_v2, stream, mode); }
int cudaStreamEndCapture(void* stream, void** graph) { return passed(cuStreamEndCapture, stream, graph); }
int cudaStreamIsCapturing(void* stream, int* status) { return passed(cuStreamIsCapturing, stream, status); }
int cudaStreamGetCaptureInfo(void* stream, int* status, unsigned long long* id, void** graph,
                             const void** dependencies, const void** edges, size_t* count) {
    int code = passed(cuStreamIsCapturing, stream, status);
    if (id) *id = number(stream);
    if (graph) *graph = nullptr;
    if (dependencies) *dependencies = nullptr;
    if (edges) *edges = nullptr;
    if (count) *count = 0;
    return code;
}
int cudaThreadExchangeStreamCaptureMode(int* mode) { return passed(cuThreadExchangeStreamCaptureMode, mode); }
int cudaGraphInstantiateWithFlags(void** out, void* graph, unsigned long long flags) { return passed(cuGraphInstantiateWithFlags, out, graph, flags); }
int cudaGraphLaunch(void* graph, void* stream) { return passed(cuGraphLaunch, graph, stream); }
int cudaGraphDestroy(void* graph) { return passed(cuGraphDestroy, graph); }
int cudaGraphExecDestroy(void* graph) { return passed(cuGraphExecDestroy, graph); }
int cudaEventCreate(void** out) { return passed(cuEventCreate, out, 0u); }
int cudaEventCreateWithFlags(void** out, unsigned flags) { return passed(cuEventCreate, out, flags); }
int cudaEventDestroy(void* event) { return passed(cuEventDestroy_v2, event); }
int cudaEventRecord(void* event, void* stream) { return passed(cuEventRecord, event, stream); }
int cudaEventRecordWithFlags(void* event, void* stream, unsigned) { return passed(cuEventRecord, event, stream); }
int cudaEventQuery(void* event) { return passed(cuEventQuery, event); }
int cudaEventSynchronize(void* event) { return passed(cuEventSynchronize, event); }
int cudaLaunchHostFunc(void* stream, void (*function)(void*), void* data) { return passed(cuLaunchHostFunc, stream, function, data); }

// ---- the driver's calls by name

int cudaGetDriverEntryPointByVersion(const char* name, void** out, unsigned version,
                                     unsigned long long flags, int* status) {
    if (status) *status = 0;
    if (!cuGetProcAddress_v2(name, out, int(version), flags, nullptr)) return 0;
    for (int n = 0; n < lookup_count; n++)
        if (looked_up[n] == name) {
            *out = refusal(n, std::make_integer_sequence<int, LOOKUPS_MAX>());
            return 0;
        }
    if (lookup_count == LOOKUPS_MAX) return told(NOT_FOUND);
    looked_up[lookup_count] = name;
    *out = refusal(lookup_count++, std::make_integer_sequence<int, LOOKUPS_MAX>());
    return 0;
}

// ---- torch's own kernels

void** __cudaRegisterFatBinary(void*) { static void* handle; return &handle; }
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}
void __cudaRegisterFunction(void**, const char* host, char*, const char* name, int, void*, void*,
                            void*, void*, int*) {
    torch_kernels()[host] = name;
}
unsigned __cudaPushCallConfiguration(Grid grid, Grid block, size_t shared, void* stream) {
    pushed = {grid, block, shared, stream};
    return 0;
}
int __cudaPopCallConfiguration(Grid* grid, Grid* block, size_t* shared, void* stream) {
    *grid = pushed.grid;
    *block = pushed.block;
    *shared = pushed.shared;
    *static_cast<void**>(stream) = pushed.stream;
    return 0;
}
int cudaLaunchKernel(const void* function, Grid, Grid, void**, size_t, void*) {
    auto found = torch_kernels().find(function);
    if (found == torch_kernels().end()) return refuse("a kernel that was never registered");
    char* readable = abi::__cxa_demangle(found->second.c_str(), nullptr, nullptr, nullptr);
    refuse("torch's kernel " + (readable ? std::string(readable) : found->second));
    free(readable);
    return NOT_SUPPORTED;
}
int cudaLaunchKernelExC(const void*, const void* function, void**) {
    return cudaLaunchKernel(function, {}, {}, nullptr, 0, nullptr);
}
int __cudaGetKernel(void** kernel, const void* function) {
    *kernel = const_cast<void*>(function);
    return 0;
}
int __cudaLaunchKernel(void* kernel, Grid grid, Grid block, void** given, size_t shared, void* stream) {
    return cudaLaunchKernel(kernel, grid, block, given, shared, stream);
}
}
