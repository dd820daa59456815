"""What is run on a GPU beside litmus programs: kernels, held against their Python bodies.

It decides what counts as wrong there, on any maker of CUDA devices: so the same runs are held
against planted mistakes on the fake driver, where there is no GPU.
"""

from __future__ import annotations

from hypothesis import Phase, given, settings
from kernel_inputs import LAUNCHES, expected

from kvimpl.device.kernels import KernelSource, Pointer
from kvimpl.device.kernels.twin import Launch
from kvimpl.device.port import Buffer, Device, Grid, Space, Stream

REFUSED_BUG = "s1-1"
"""Refused by the judge whether the device is quick or slow, so hardware's pace does not matter."""


class Differs(Exception):
    "A drawn launch after which the device holds other bytes than the Python body makes."


def compare(dev: Device, source: KernelSource, *, examples: int, host: Space) -> None:
    """Hold drawn launches of this kernel against its body. Raises: Differs, at the first.

    `host` is where arguments are that may be in host memory: pinned, or on the device too.
    """

    stream = dev.stream("launches")

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
    )
    @given(LAUNCHES[source.entry])
    def run(launch: Launch) -> None:
        got, wanted = made(dev, stream, source, launch, host), expected(source, launch)
        if got != wanted:
            raise Differs(f"{source.entry}: {got} in place of {wanted}, after {launch}")

    run()


def made(
    dev: Device, stream: Stream, source: KernelSource, launch: Launch, host: Space
) -> dict[str, bytes]:
    "What the launch leaves in the bytes that the kernel may write."
    pointers = [p for p in source.parameters if isinstance(p, Pointer)]
    ends: dict[str, tuple[Buffer, Buffer]] = {}
    for p in pointers:
        data = launch.bytes[p.name] or b"\0"  # no buffer is empty
        stage = dev.alloc(len(data), Space.PINNED, label=f"stage of {p.name}")
        space = host if p.space is Space.PINNED else Space.DEVICE
        place = dev.alloc(len(data), space, label=p.name)
        dev.host_write(stage.view(), data)
        dev.copy(place.view(), stage.view(), stream)
        ends[p.name] = (stage, place)
    arguments = [
        ends[p.name][1].view() if isinstance(p, Pointer) else launch.scalars[p.name]
        for p in source.parameters
    ]
    grid = Grid((launch.blocks, 1, 1), (launch.threads, 1, 1))
    dev.launch(source.kernel, arguments, stream, grid=grid)
    for stage, place in ends.values():
        dev.copy(stage.view(), place.view(), stream)
    dev.synchronize(stream)
    got = {
        p.name: dev.host_read(ends[p.name][0].view())[: len(launch.bytes[p.name])]
        for p in pointers
        if p.mode.writes
    }
    for buffer in (buffer for pair in ends.values() for buffer in pair):
        dev.free(buffer)
    return got
