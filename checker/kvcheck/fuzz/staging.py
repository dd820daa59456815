"""A staging of page tables under a schedule: what it delivered, what readers saw, what raced.

It decides which signs of a wrong staging one run shows. The program is a few iterations of a
scheduler that is one iteration ahead of the device: rows change, requests end and others take
their slots, the batch is shipped. The idea: what a shipment must deliver is known when it is
called, so the bytes are judged without a model of staging.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from kvcheck.schedule import Budget, Explored, explore
from kvimpl.device.port import Device, Mark, Space, Stream
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run
from kvimpl.staging import (
    CopiedStaging,
    GatheredStaging,
    IndexMapper,
    PageTable,
    PoolScale,
    Rows,
    Staging,
    TableReader,
    TableShape,
)
from kvspec.events import RequestId
from kvspec.staging_events import Reporter

SHAPE = TableShape(width=2, pools=(PoolScale(2, 1),))
SLOT_COUNT = 2
AHEAD = 2


class Kind(Protocol):
    """Makes the index and the staging that are judged: a known bug's, or right ones."""

    @property
    def is_gathered(self) -> bool: ...

    @property
    def index(self) -> type[IndexMapper]: ...

    def build(self, device: Device, table: PageTable, stream: Stream, *, depth: int) -> Staging: ...


@dataclass(frozen=True, slots=True)
class Iteration:
    """Requests that end, rows that change (a request without a slot gets one), and the batch."""

    ends: tuple[RequestId, ...]
    rows: tuple[tuple[RequestId, Rows], ...]
    batch: tuple[RequestId, ...]


@dataclass(frozen=True, slots=True)
class StagingCase:
    """What the scheduler does; `depth` is how many shipments a gathering staging keeps."""

    iterations: tuple[Iteration, ...]
    depth: int = 2


class Sign(Enum):
    """What shows that a staging is wrong."""

    FINDING = "finding"
    PAYLOAD = "payload"
    READERS = "readers"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Seen:
    """One run: a sentence for each sign of a wrong staging, none if there is nothing wrong."""

    says: tuple[tuple[Sign, str], ...]

    @property
    def signs(self) -> frozenset[Sign]:
        """The kinds of what was seen."""
        return frozenset(sign for sign, _ in self.says)


@dataclass(frozen=True, slots=True)
class Right:
    """A right staging, by gather kernel or by copy."""

    is_gathered: bool
    index: type[IndexMapper] = IndexMapper

    def build(self, device: Device, table: PageTable, stream: Stream, *, depth: int) -> Staging:
        """See `Kind`; a copy needs no depth."""
        if self.is_gathered:
            return GatheredStaging(device, table, stream, depth=depth)
        return CopiedStaging(device, table, stream)


RIGHT: Mapping[str, Kind] = {"copied": Right(False), "gathered": Right(True)}


def drawn(seed: int, iteration_count: int = 4, *, depth: int = 2) -> StagingCase:
    """A case by chance. All rows change in each iteration, and from the second on one slot has a
    new request half of the time, in the second always; batches are of one or two, in any order.

    Raises:
        ValueError: there is no second iteration.
    """
    if iteration_count < 2:
        raise ValueError(
            f"{iteration_count} iterations hold no overlap. The host is ahead of the device only "
            "from the second on. Draw at least two."
        )
    chance = random.Random(seed)
    live = [RequestId(number) for number in range(SLOT_COUNT)]
    iterations = []
    for number in range(iteration_count):
        ends: tuple[RequestId, ...] = ()
        if number == 1 or (number > 1 and chance.random() < 0.5):
            at = 0 if number == 1 else chance.randrange(SLOT_COUNT)
            ends = (live[at],)
            live[at] = RequestId(SLOT_COUNT + number)
        rows = tuple((request, _drawn_rows(chance)) for request in live)
        order = chance.sample(live, SLOT_COUNT)
        batch = order if number < 2 else order[: chance.randint(1, SLOT_COUNT)]
        iterations.append(Iteration(ends, rows, tuple(batch)))
    return StagingCase(tuple(iterations), depth)


def _drawn_rows(chance: random.Random) -> Rows:
    pools = range(len(SHAPE.pools))
    return SHAPE.full(
        [[chance.randrange(1_000) for _ in range(chance.randint(1, SHAPE.width))] for _ in pools]
    )


def judged(kind: Kind, case: StagingCase, schedule: Schedule) -> Seen:
    """Run the case under the schedule. Raises: Abandoned, as the schedule does."""
    says: list[tuple[Sign, str]] = []
    ran = run(lambda device: Scheduler(device, kind, case, says).run(), schedule)
    says += [(Sign.FINDING, str(finding)) for finding in ran.findings]
    if ran.error is not None:
        says.append((Sign.ERROR, f"{type(ran.error).__name__}: {ran.error}"))
    return Seen(tuple(says))


def every_order(
    kind: Kind, case: StagingCase, budget: Budget, *, to_first: bool = False
) -> Explored[frozenset[Sign]]:
    """The case under every order that can make a difference, or until the first sign."""
    return explore(
        lambda schedule: judged(kind, case, schedule).signs,
        budget=budget,
        stop=bool if to_first else None,
    )


class Scheduler:
    """The host's side of one run; it says what readers saw, and what was delivered."""

    def __init__(
        self,
        device: Device,
        kind: Kind,
        case: StagingCase,
        says: list[tuple[Sign, str]],
        *,
        reporter: Reporter | None = None,
    ) -> None:
        self.device, self.case, self.says = device, case, says
        self.stream = device.stream("compute")
        self.index = kind.index(SLOT_COUNT, reporter=reporter)
        self.table = PageTable(device, SHAPE, self.index, reporter=reporter)
        self.staging = kind.build(device, self.table, self.stream, depth=case.depth)
        self.rows: dict[RequestId, Rows] = {}
        self.due: list[bytes] = []

    def run(self) -> None:
        """Every iteration, then the end."""
        device, reader = self.device, self.table.reader()
        region = SHAPE.shipped_bytes(SLOT_COUNT)
        count = len(self.case.iterations)
        target = device.alloc(region * count, Space.DEVICE, label="target")
        fences: list[Mark] = []
        fence = device.event("fence")
        for number, iteration in enumerate(self.case.iterations):
            if len(fences) >= AHEAD:
                device.synchronize(fences[-AHEAD])
            self._change(iteration)
            self._look(number, reader)
            due = SHAPE.offsets([self.rows[request] for request in iteration.batch])
            self.due.append(due)
            slots = [self.index.slot_of(request) for request in iteration.batch]
            start = region * number
            self.staging.ship(slots, target.view(start, start + len(due)))
            fences.append(device.record(fence, self.stream))
        back = device.alloc(target.nbytes, Space.PINNED, label="back")
        device.copy(back.view(), target.view(), self.stream)
        self.staging.close()
        self._compare(device.host_read(back.view()), region)
        self.table.close()

    def _change(self, iteration: Iteration) -> None:
        for request in iteration.ends:
            self.index.release(request)
            del self.rows[request]
        for request, rows in iteration.rows:
            known = request in self.rows
            slot = self.index.slot_of(request) if known else self.index.bind(request)
            self.rows[request] = rows
            self.staging.write(slot, rows)

    def _look(self, number: int, reader: TableReader) -> None:
        for request, rows in self.rows.items():
            read = reader.read(self.index.slot_of(request))
            if read != rows:
                says = f"in iteration {number} a reader saw {read} of request {request}, not {rows}"
                self.says.append((Sign.READERS, says))

    def _compare(self, delivered: bytes, region: int) -> None:
        for number, due in enumerate(self.due):
            start = region * number
            came = delivered[start : start + len(due)]
            if came != due:
                says = f"iteration {number} was delivered {_ints(came)}, not {_ints(due)}"
                self.says.append((Sign.PAYLOAD, says))


def _ints(data: bytes) -> Sequence[int]:
    return memoryview(data).cast("i").tolist()
