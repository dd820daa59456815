// One byte that was passed by value: the kernel of the litmus tests.
extern "C" __global__ void setting(unsigned char *to, unsigned value)
{
    if (blockIdx.x == 0 && threadIdx.x == 0) *to = (unsigned char)value;
}
