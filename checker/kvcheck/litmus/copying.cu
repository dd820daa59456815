// One byte from one place to another: the kernel of the litmus tests.
extern "C" __global__ void copying(unsigned char *to, const unsigned char *from)
{
    if (blockIdx.x == 0 && threadIdx.x == 0) *to = __ldcv(from);
}
