"""One run of a program under a schedule: what each kind of check saw of it.

It decides what is looked at and what counts as a sign; the schedule decides the order. The idea: no
check changes the run, so all of them look at the same one, and what one sees and another does not
is a fact about the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kvcheck.lockstep.refusal import text_of
from kvcheck.lockstep.remote import RemoteJudge
from kvcheck.lockstep.remote_design import remote
from kvcheck.threads.program import SLOT_BYTES, Drop, Get, Job, Program, Put, bytes_of
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockHandle, NoFreeBlock, PoolSettings, entry
from kvimpl.blocks.errors import LimitReached
from kvimpl.bugs.shared import Shows
from kvimpl.device.port import Bytes, Device, Kernel, Mode, Refused, Stream
from kvimpl.device.port.errors import DeviceStuck, StepsExhausted
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimDevice, SimOptions
from kvimpl.shared import Reader, SharedManager, SharedReporter, SharedState, SharedStep
from kvimpl.shared.steps import SharedShown
from kvspec.events import Key, Level, RequestId, Shape

BESIDE = (entry.__file__,)
"""Where a lock is taken for whoever asks: no line of a finding."""
STEPS_MAX = 2_000
"""More than any program takes with the right manager: one that goes on and on is stuck."""


class Build(Protocol):
    """Makes the manager that is judged."""

    def __call__(
        self,
        device: Device,
        settings: PoolSettings,
        *,
        compute: Stream,
        reporter: SharedReporter | None,
    ) -> SharedManager: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """One run: a sentence for each sign, none if nothing is wrong; `steps` of the design taken."""

    says: tuple[tuple[Shows, str], ...]
    steps: int

    @property
    def signs(self) -> frozenset[Shows]:
        """The kinds of what was seen."""
        return frozenset(sign for sign, _ in self.says)


class JudgeGaveUp(RuntimeError):
    """The judge has no words for what the run did: a fault of the program, not of the manager."""


def right(
    device: Device,
    settings: PoolSettings,
    *,
    compute: Stream,
    reporter: SharedReporter | None = None,
) -> SharedManager:
    """The manager that is held to be right."""
    return SharedManager(device, settings, compute=compute, reporter=reporter)


def judged(build: Build, program: Program, schedule: Schedule) -> Seen:
    """Run the program under the schedule, every check looking on.

    Raises:
        Abandoned, as the schedule does.
        JudgeGaveUp: the design has no word for a step that was told.
    """
    settings = program.settings()
    judge = RemoteJudge(remote(settings.shape, reader_count=len(program.readers)))
    options = SimOptions(steps_max=STEPS_MAX)
    device = SimDevice(schedule, options, executed=judge.executed, beside=BESIDE)
    run = _Run(device, build, program, judge)
    try:
        run.play()
        device.quiesce()
        run.settle()
    except (DeviceStuck, StepsExhausted, Refused) as stuck:
        run.says.append((Shows.RACES, str(stuck)))
    except Exception as error:
        run.says.append((Shows.ERRORS, f"{type(error).__name__}: {error}"))
    finally:
        device.abandon()
    says = [(Shows.RACES, str(finding)) for finding in device.findings] + run.says
    if judge.refusal is not None:
        says.insert(0, (Shows.LOCKSTEP, text_of(judge.refusal)))
    verdict = judge.verdict()
    if verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_RUN):
        raise JudgeGaveUp(verdict.reason)
    return Seen(tuple(says), judge.step_count)


@dataclass
class _Run:
    """The host's side of one run."""

    device: SimDevice
    build: Build
    program: Program
    judge: RemoteJudge
    says: list[tuple[Shows, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.compute = self.device.stream("compute")
        self.manager = self.build(
            self.device,
            self.program.settings(),
            compute=self.compute,
            reporter=_Counting(self.judge, self.says),
        )
        self.readers = [
            Reader(self.manager, self.device, name=f"r{n}.copies")
            for n in range(len(self.program.readers))
        ]

    def play(self) -> None:
        for job in self.program.before:
            self._do(job)
        tasks = [
            self.device.spawn(f"r{n}", self._reading(reader, keys))
            for n, (reader, keys) in enumerate(zip(self.readers, self.program.readers, strict=True))
        ]
        for job in self.program.jobs:
            self._do(job)
        for task in tasks:
            task.join()
        for request in self._requests():
            self.manager.release_request(request)

    def settle(self) -> None:
        """Everybody has let go: nothing may be lost, in the books or on the device."""
        wrong = _wrong_at_the_end(self.manager.observe(), self.manager.shape)
        if wrong:
            self.says.append((Shows.COUNTS, wrong))
            return
        self.manager.close()
        for reader in self.readers:
            reader.close()
        self.device.close()

    def _requests(self) -> Sequence[RequestId]:
        jobs = (*self.program.before, *self.program.jobs)
        return sorted({job.request for job in jobs})

    def _do(self, job: Job) -> None:
        match job:
            case Put(request=request, key=key):
                self._put(request, key)
            case Get(request=request, key=key):
                got = self.manager.acquire(request, key)
                if isinstance(got, BlockHandle):
                    self.manager.page_table(request)
                    self._launch("check", Mode.READ, got, self._compared("a kernel", key))
            case Drop(request=request):
                self.manager.release_request(request)

    def _put(self, request: RequestId, key: Key) -> None:
        try:
            block = self.manager.allocate(request)
        except NoFreeBlock:
            return
        data = bytes_of(key)
        self._launch("fill", Mode.WRITE, block, lambda own: own.write(data))
        self.manager.commit(block, request, key)

    def _launch(
        self, name: str, mode: Mode, block: BlockHandle, body: Callable[[Bytes], None]
    ) -> None:
        def run(arguments: Sequence[Bytes | int]) -> None:
            (own,) = arguments
            assert not isinstance(own, int)
            body(own)

        view = self.manager.view(block)
        self.device.launch(Kernel(name, (mode,), run), [view], self.compute)

    def _compared(self, who: str, key: Key) -> Callable[[Bytes], None]:
        return lambda own: self._compare(who, key, own.read(0, SLOT_BYTES))

    def _compare(self, who: str, key: Key, came: bytes) -> None:
        if came != bytes_of(key):
            words = f"{who} that wanted {bytes_of(key)!r} got {came!r}"
            self.says.append((Shows.PAYLOAD, words))

    def _reading(self, reader: Reader, keys: Sequence[Key]) -> Callable[[], None]:
        def body() -> None:
            for key in keys:
                try:
                    came = reader.read(key)
                except LimitReached:
                    continue
                if came is not None:
                    self._compare("a reader", key, came)

        return body


@dataclass
class _Counting:
    """Passes each step on, and looks at the counters of free blocks and at nothing else."""

    judge: RemoteJudge
    says: list[tuple[Shows, str]]

    def report(self, step: SharedStep, shown: SharedShown) -> None:
        self.judge.report(step, shown)
        wrong = _impossible(shown.observe().free_count, shown.shape)
        if wrong:
            self.says.append((Shows.COUNTS, wrong))


def _sizes(shape: Shape) -> tuple[int, int]:
    return shape.primary_count, shape.secondary_count


def _impossible(counts: Sequence[int], shape: Shape) -> str:
    for level, (count, size) in enumerate(zip(counts, _sizes(shape), strict=True)):
        if not 0 <= count <= size:
            return f"{count} of {size} blocks are free in {Level(level).name.lower()}"
    return ""


def _wrong_at_the_end(state: SharedState, shape: Shape) -> str:
    if state.free_count != _sizes(shape):
        return f"{state.free_count} blocks are free at the end, of {_sizes(shape)}"
    return ""
