"""What passes through the device port: handles and names, all frozen; bytes never live in a handle.

It decides identity only: which buffer, which life of it, which range, which stream, which
recording. A handle outlives what it names: a buffer that was freed and whose memory was given out
again differs from its successor in `generation`, so a stale handle is told from a live one. A
`token` is the backend's own reference to what it named; nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from kvimpl.device.port.handle import handle


class Space(Enum):
    """Where bytes live. Pinned memory is always mapped: kernels may read and write it in place."""

    DEVICE = "device"
    PINNED = "pinned"
    PAGEABLE = "pageable"


class Mode(Enum):
    """What an access does to its bytes. As a kernel argument: in, out, inout."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read and write"

    @property
    def reads(self) -> bool:
        """Whether the old bytes matter."""
        return self is not Mode.WRITE

    @property
    def writes(self) -> bool:
        """Whether the bytes may change."""
        return self is not Mode.READ


class Capability(Enum):
    """What a backend can do beyond running: choose its own order, and see what is unordered."""

    SCHEDULES = "schedules"
    HAPPENS_BEFORE = "happens-before"
    FAULTS = "faults"
    GATES = "gates"


@dataclass(frozen=True, slots=True)
class Buffer:
    """One life of one piece of memory, from `alloc` to `free`.

    `number` is never used twice. `memory` names the bytes underneath, which an allocator may give
    out again; `generation` counts the lives that these bytes have had, from 1.
    """

    number: int
    memory: int
    generation: int
    space: Space
    nbytes: int
    label: str
    token: object = field(default=None, compare=False, repr=False)

    def view(self, start: int = 0, stop: int | None = None) -> View:
        """The bytes from start to stop; without stop, to the end.

        Raises:
            ValueError: if the range is empty, reversed or beyond the buffer.
        """
        return View(self, start, self.nbytes if stop is None else stop)

    def __str__(self) -> str:
        return f"{self.label}#{self.memory}.{self.generation}"


@dataclass(frozen=True, slots=True)
class View:
    """A contiguous range of bytes of a buffer, never empty: `start` included, `stop` not."""

    buffer: Buffer
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop <= self.buffer.nbytes:
            raise ValueError(
                f"bytes {self.start} to {self.stop} are not a range of {self.buffer}, which has "
                f"{self.buffer.nbytes}. A range is not empty and ends inside its buffer. "
                "Change start or stop."
            )

    @property
    def nbytes(self) -> int:
        """How many bytes."""
        return self.stop - self.start

    def __str__(self) -> str:
        return f"{self.buffer}[{self.start}:{self.stop}]"


@dataclass(frozen=True, slots=True)
class Stream:
    """A first-in, first-out queue of device work. `blocking` ones are fenced by the legacy one."""

    number: int
    name: str
    blocking: bool
    token: object = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Event:
    """A variable that holds the mark of its latest recording; new, it holds none."""

    number: int
    name: str
    token: object = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


@handle
class Mark:
    """One recording of an event: all that was in the stream at that moment, whatever comes later.

    A mark stays good when its event is recorded again.
    """

    number: int
    event: Event
    stream: Stream
    token: object = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.event}@{self.number}"


Waitable: TypeAlias = Event | Mark | Stream
"""What can be waited for; an event means the mark that it holds at the time of the call."""


@handle
class Op:
    """A piece of work that was put into a stream; it executes later."""

    number: int
    stream: Stream
    label: str

    def __str__(self) -> str:
        return f"{self.label} on {self.stream}"


class Bytes(Protocol):
    """The declared bytes of one kernel argument, as the kernel's body sees them.

    Offsets count from the start of the view. On a simulated device each call is held against the
    argument's declared mode and range, and is what the happens-before check learns.
    """

    @property
    def nbytes(self) -> int:
        """The length of the view."""

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """A copy of the bytes as they are now."""

    def write(self, data: bytes, start: int = 0) -> None:
        """Change the bytes from start on."""


Argument: TypeAlias = View | int
"""What a launch passes: views, as pointers; ints, by value, copied at the launch."""

KernelBody: TypeAlias = Callable[[Sequence["Bytes | int"]], None]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel: its name, its CUDA source, its declared accesses and what it does to bytes.

    `access` has one entry an argument: a mode for a view, None for an int passed by value. `body`
    is the kernel in Python, for devices without CUDA; it runs as one atomic step. `source` names
    the CUDA file under `kvimpl/device/kernels` that holds the same kernel, if there is one.
    """

    name: str
    access: tuple[Mode | None, ...]
    body: KernelBody
    source: str | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Grid:
    """How a launch is spread over a GPU; a simulated device runs the body once and ignores it."""

    blocks: tuple[int, int, int] = (1, 1, 1)
    threads: tuple[int, int, int] = (128, 1, 1)
