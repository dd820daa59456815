// Copies whole slots between two pools, each in device memory or in mapped host memory.
//
// It decides nothing about which copies are ordered: the destination slots of one launch are
// distinct, and none of them is a source slot of the same launch. A pair with a slot that does not
// exist is passed over. Sixteen bytes go at once where both slots begin at a multiple of sixteen;
// the rest goes byte by byte.

__device__ static void copy_bytes(
    unsigned char *to, const unsigned char *from, unsigned long long first,
    unsigned long long step, unsigned long long slot_bytes)
{
    unsigned long long chunks = 0;
    if ((unsigned long long)to % 16 == 0 && (unsigned long long)from % 16 == 0)
        chunks = slot_bytes / 16;
    // __ldcv: a line of host memory is fetched again, never taken from the read-only cache.
    for (unsigned long long i = first; i < chunks; i += step)
        ((uint4 *)to)[i] = __ldcv((const uint4 *)from + i);
    for (unsigned long long i = chunks * 16 + first; i < slot_bytes; i += step)
        to[i] = __ldcv(from + i);
}

extern "C" __global__ void copy_slots(
    unsigned char *to, const unsigned char *from, const int *pairs, unsigned pair_count,
    unsigned to_slots, unsigned from_slots, unsigned long long slot_bytes)
{
    // A pair is the work of one block of threads; pairs beyond the grid come round again.
    for (unsigned long long p = blockIdx.x; p < pair_count; p += gridDim.x) {
        const int source = __ldcv(pairs + 2 * p);
        const int target = __ldcv(pairs + 2 * p + 1);
        if (source < 0 || (unsigned)source >= from_slots) continue;
        if (target < 0 || (unsigned)target >= to_slots) continue;
        copy_bytes(to + target * slot_bytes, from + source * slot_bytes, threadIdx.x, blockDim.x,
                   slot_bytes);
    }
}
