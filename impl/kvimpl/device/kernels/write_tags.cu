// Writes the tag of each page all over the slot that the page table gives it.
//
// It decides nothing about what a tag means: sixteen bytes, repeated to the end of the slot and cut
// off there, so that a slot which was copied in part shows it. The pages of one launch have
// distinct slots; a page with a slot that does not exist is passed over.

extern "C" __global__ void write_tags(
    unsigned char *slots, const int *page_table, const unsigned char *tags, unsigned page_count,
    unsigned slot_count, unsigned long long slot_bytes)
{
    // A page is the work of one block of threads; pages beyond the grid come round again.
    for (unsigned long long page = blockIdx.x; page < page_count; page += gridDim.x) {
        const int slot = __ldcv(page_table + page);
        if (slot < 0 || (unsigned)slot >= slot_count) continue;
        for (unsigned long long i = threadIdx.x; i < slot_bytes; i += blockDim.x)
            slots[slot * slot_bytes + i] = __ldcv(tags + 16 * page + i % 16);
    }
}
