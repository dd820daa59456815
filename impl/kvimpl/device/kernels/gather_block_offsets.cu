// Gathers rows of page indices out of mapped host memory into the table that attention reads.
//
// It decides nothing about how long the host keeps the rows and the copy index unchanged: both are
// read while the kernel runs, each by every thread for itself. A page index of -1 is passed on as
// it is; a copy index without a row gives a row of -1.

extern "C" __global__ void gather_block_offsets(
    int *out, const int *rows, const int *copy_index, const int *__restrict__ scales,
    const int *__restrict__ value_offsets, unsigned pool_count, unsigned sequence_count,
    unsigned row_count, unsigned width)
{
    const unsigned long long table = (unsigned long long)sequence_count * width;
    const unsigned long long step = (unsigned long long)gridDim.x * blockDim.x;
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    for (; i < pool_count * table; i += step) {
        const unsigned long long pool = i / table;
        const unsigned long long sequence = i % table / width;
        const unsigned long long column = i % width;
        // __ldcv: a line of host memory is fetched again, never taken from the read-only cache.
        const int row = __ldcv(copy_index + sequence);
        int page = -1;
        if (row >= 0 && (unsigned)row < row_count)
            page = __ldcv(rows + (pool * row_count + row) * width + column);
        const int key = page < 0 ? page : page * scales[pool];
        int *to = out + (pool * sequence_count + sequence) * 2 * width + column;
        to[0] = key;
        to[width] = key < 0 ? key : key + value_offsets[pool];
    }
}
