// CUDA's words in C++, and a loop that launches one kernel on the CPU as often as it is asked to.
//
// It decides the order of the threads (all of a launch, shuffled by a seed, one after the other) and
// which bytes a kernel may touch: each argument lies in pages of its own between pages that nobody
// may touch, and bytes that are only read are in pages that nobody may write. Left out on purpose:
// barriers, shared memory, atomics and warps, so that a kernel which uses them does not compile here.
#pragma once
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <type_traits>
#include <ucontext.h>
#include <unistd.h>

#define __global__
#define __device__
#define __restrict__ __restrict

struct alignas(16) uint4 { unsigned x, y, z, w; };
struct Spread { unsigned x, y, z; };
static Spread blockIdx, threadIdx, gridDim, blockDim;

template <class T> static T __ldcv(const T *from) { return *from; }
template <class T> static T __ldg(const T *from) { return *from; }

namespace twin {

constexpr int ARGUMENTS_MAX = 16;
enum Mode : uint8_t { READ = 1, WRITE = 2, READ_WRITE = 3 };

struct Argument {
    const char *name;   // of a pointer; empty for a scalar
    uint64_t value;     // a scalar's
    Mode mode;
    unsigned char *pages, *bytes;
    uint64_t inner, nbytes;
};

static Argument arguments[ARGUMENTS_MAX];
static int argument_count;

extern "C" void __asan_poison_memory_region(const volatile void *, size_t) __attribute__((weak));
extern "C" void __asan_unpoison_memory_region(const volatile void *, size_t) __attribute__((weak));
extern "C" const char *__asan_default_options() { return "handle_segv=0:handle_sigbus=0:detect_leaks=0"; }

static void die(int, siginfo_t *info, void *context)
{
    auto *at = (unsigned char *)info->si_addr;
#if defined(__x86_64__)
    const bool writes = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2;
    const char *does = writes ? "writes" : "reads";
#else
    (void)context;
    const char *does = "touches";
#endif
    const uint64_t page = sysconf(_SC_PAGESIZE);
    for (int i = 0; i < argument_count; i++) {
        const Argument &a = arguments[i];
        if (!a.pages || at < a.pages - page || at >= a.pages + a.inner + page) continue;
        const char *declared[] = {"", "read", "write", "read and write"};
        fprintf(stderr, "twin: %s '%s' at byte %lld of %llu, declared %s\n", does, a.name,
                (long long)(at - a.bytes), (unsigned long long)a.nbytes, declared[a.mode]);
        _exit(70);
    }
    fprintf(stderr, "twin: %s an address of no argument\n", does);
    _exit(70);
}

static void take(void *to, size_t n)
{
    if (n && fread(to, 1, n, stdin) != n) _exit(0);
}

template <class T> static T take() { T value; take(&value, sizeof value); return value; }

// The end of the bytes is the end of the pages, as nearly as the alignment allows.
static void place(Argument &a, uint64_t alignment)
{
    const uint64_t page = sysconf(_SC_PAGESIZE);
    a.inner = (a.nbytes + page - 1) / page * page + (a.nbytes ? 0 : page);
    auto *whole = (unsigned char *)mmap(nullptr, a.inner + 2 * page, PROT_NONE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) { perror("twin: mmap"); _exit(71); }
    a.pages = whole + page;
    mprotect(a.pages, a.inner, PROT_READ | PROT_WRITE);
    a.bytes = a.pages + (a.inner - a.nbytes) / alignment * alignment;
    take(a.bytes, a.nbytes);
    if (__asan_poison_memory_region) {
        __asan_poison_memory_region(a.pages, a.inner);
        __asan_unpoison_memory_region(a.bytes, a.nbytes);
    }
    if (a.mode == READ) mprotect(a.pages, a.inner, PROT_READ);
}

static void remove(Argument &a)
{
    const uint64_t page = sysconf(_SC_PAGESIZE);
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(a.pages, a.inner);
    munmap(a.pages - page, a.inner + 2 * page);
    a.pages = nullptr;
}

static uint64_t mixed(uint64_t &state)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

template <class Kernel> static void run(Kernel kernel, uint64_t seed)
{
    const uint64_t count = (uint64_t)gridDim.x * blockDim.x;
    auto *order = (uint64_t *)malloc(count * sizeof(uint64_t));
    for (uint64_t i = 0; i < count; i++) order[i] = i;
    for (uint64_t i = count; i > 1; i--) {
        const uint64_t j = mixed(seed) % i, held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
    for (uint64_t i = 0; i < count; i++) {
        blockIdx.x = order[i] / blockDim.x;
        threadIdx.x = order[i] % blockDim.x;
        kernel();
    }
    free(order);
}

// A request is a seed, blocks, threads, then per argument its bytes or its value; the answer is
// "!", so that a launch which changes nothing has one too, and all bytes that may have changed. `names`, `modes` and `alignments` are the description's.
template <class Kernel>
static int serve(int count, const char *const *names, const uint8_t *modes,
                 const uint8_t *alignments, Kernel kernel)
{
    static unsigned char stack[1 << 16];
    stack_t other{};
    other.ss_sp = stack;
    other.ss_size = sizeof stack;
    sigaltstack(&other, nullptr);
    struct sigaction action{};
    action.sa_sigaction = die;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
    argument_count = count;
    for (;;) {
        const auto seed = take<uint64_t>();
        gridDim = {take<uint32_t>(), 1, 1};
        blockDim = {take<uint32_t>(), 1, 1};
        for (int i = 0; i < count; i++) {
            Argument &a = arguments[i];
            a = Argument{names[i], 0, (Mode)modes[i], nullptr, nullptr, 0, 0};
            (modes[i] ? a.nbytes : a.value) = take<uint64_t>();
            if (modes[i]) place(a, alignments[i]);
        }
        run(kernel, seed);
        putchar('!');
        for (int i = 0; i < count; i++) {
            if (arguments[i].mode & WRITE) fwrite(arguments[i].bytes, 1, arguments[i].nbytes, stdout);
            if (arguments[i].pages) remove(arguments[i]);
        }
        fflush(stdout);
    }
}

template <class T> static T argument(int i)
{
    if constexpr (sizeof(T) == 8) {
        if (arguments[i].pages) { T p; memcpy(&p, &arguments[i].bytes, 8); return p; }
    }
    T value;
    memcpy(&value, &arguments[i].value, sizeof value);
    return value;
}

template <int...> struct Sequence {};
template <int N, int... I> struct Count : Count<N - 1, N - 1, I...> {};
template <int... I> struct Count<0, I...> { using type = Sequence<I...>; };

template <class... A, int... I> static void call(void (*f)(A...), Sequence<I...>)
{
    f(argument<A>(I)...);
}

template <class... A> static void call(void (*f)(A...))
{
    call(f, typename Count<sizeof...(A)>::type());
}

// Whether the parameters are the description's: 0 is a pointer, and any other number a scalar's bytes.
template <int... Widths, class... A> constexpr bool like(void (*)(A...))
{
    return ((std::is_pointer<A>::value ? Widths == 0 : Widths == (int)sizeof(A)) && ...);
}

template <class... A> constexpr int arity(void (*)(A...)) { return sizeof...(A); }

}  // namespace twin
