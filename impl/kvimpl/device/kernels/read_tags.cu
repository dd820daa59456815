// Reads the tag of each page through the page table, and how much of the slot bears it.
//
// It decides nothing about which tag was expected. `intact[page]` counts the bytes from the start
// of the slot up to the first that does not repeat the tag: the slot's size where it is whole. A
// page with a slot that does not exist has 255 in every byte of its tag, and nothing intact.

extern "C" __global__ void read_tags(
    unsigned char *tags, unsigned long long *intact, const unsigned char *slots,
    const int *page_table, unsigned page_count, unsigned slot_count, unsigned long long slot_bytes)
{
    const unsigned long long step = (unsigned long long)gridDim.x * blockDim.x;
    unsigned long long page = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    for (; page < page_count; page += step) {
        const int slot = __ldcv(page_table + page);
        const bool exists = slot >= 0 && (unsigned)slot < slot_count;
        const unsigned char *from = slots + (exists ? slot * slot_bytes : 0);
        unsigned long long same = 0;
        if (exists)
            while (same < slot_bytes && __ldcv(from + same) == __ldcv(from + same % 16)) same++;
        intact[page] = same;
        for (unsigned i = 0; i < 16; i++)
            tags[16 * page + i] = !exists ? 255 : i < slot_bytes ? __ldcv(from + i) : 0;
    }
}
