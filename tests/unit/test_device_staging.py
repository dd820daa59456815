"""The staging race of a page table that is refilled while the GPU still reads it, and its mends.

Each step of decoding fills a host row, ships it to the device and lets attention read it there. The
incident: the row is shipped by an asynchronous copy, then by a kernel that reads host memory; the
buffer is kept, or fresh and dropped, or retired behind an event. Numbers are asserted exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import pytest

from kvcheck.schedule import Budget, Eager, HostFirst, Pct, Random, Reach, explore
from kvimpl.device.port import Buffer, Bytes, Kernel, Mark, Mode, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import Ran, SimDevice, run

ROW = 16
RIGHT = (100, 101, 102)


class Design(Enum):
    """How the row reaches the device."""

    COPY_KEPT = "one buffer, shipped by a copy"
    COPY_FRESH = "a fresh buffer a step, shipped by a copy, then dropped"
    KERNEL_KEPT = "one buffer, read by a kernel"
    KERNEL_FRESH = "a fresh buffer a step, read by a kernel, then dropped"
    GUARDED = "a fresh buffer a step, freed when an event behind its kernel has completed"
    EARLY_EVENT = "the same, but the event lies before the kernel"
    NO_QUERY = "the same, but the event is not asked"


def _gather(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


def _attend(arguments: Sequence[Bytes | int]) -> None:
    output, table = arguments
    assert not isinstance(output, int)
    assert not isinstance(table, int)
    output.write(table.read(0, 1))


GATHER = Kernel("gather", (Mode.WRITE, Mode.READ), _gather)
ATTEND = Kernel("attend", (Mode.WRITE, Mode.READ), _attend)


def decode(dev: SimDevice, design: Design, steps: int = 3) -> tuple[int, ...]:
    """The page table entry that attention saw at each step."""
    stream = dev.stream("compute")
    is_fresh = design not in (Design.COPY_KEPT, Design.KERNEL_KEPT)
    retires = design in (Design.GUARDED, Design.EARLY_EVENT, Design.NO_QUERY)
    kept = dev.alloc(ROW, Space.PINNED, label="stage")
    output = dev.alloc(steps, Space.DEVICE, label="output")
    retired: list[tuple[Mark, Buffer]] = []
    fences: list[Mark] = []
    for step in range(steps):
        if len(fences) > 1:
            dev.synchronize(fences[-2])
        stage = dev.alloc(ROW, Space.PINNED, label="stage") if is_fresh else kept
        table = dev.alloc(ROW, Space.DEVICE, label="table")
        dev.host_write(stage.view(), bytes([100 + step]) * ROW)
        if design in (Design.COPY_KEPT, Design.COPY_FRESH):
            dev.copy(table.view(), stage.view(), stream)
        else:
            early = dev.record(dev.event("early"), stream)
            dev.launch(GATHER, (table.view(), stage.view()), stream)
            late = dev.record(dev.event("late"), stream)
            retired.append((early if design is Design.EARLY_EVENT else late, stage))
        if retires:
            while retired and (design is Design.NO_QUERY or dev.query(retired[0][0])):
                dev.free(retired.pop(0)[1])
        elif is_fresh:
            dev.free(stage)
        dev.launch(ATTEND, (output.view(step, step + 1), table.view()), stream)
        fences.append(dev.record(dev.event("fence"), stream))
    back = dev.alloc(steps, Space.PINNED, label="back")
    dev.copy(back.view(), output.view(), stream)
    dev.synchronize()
    return tuple(dev.host_read(back.view()))


def ran(design: Design, schedule: Schedule) -> Ran[tuple[int, ...]]:
    return run(lambda dev: decode(dev, design), schedule)


WRONG = (Design.COPY_KEPT, Design.KERNEL_KEPT, Design.KERNEL_FRESH, Design.NO_QUERY)


@pytest.mark.parametrize("design", WRONG)
@pytest.mark.parametrize("schedule", [HostFirst(), Eager(), Random(1), Pct(1)])
def test_one_run_finds_the_race_whatever_its_bytes(design: Design, schedule: Schedule) -> None:
    assert ran(design, schedule).findings


@pytest.mark.parametrize("design", WRONG)
def test_a_synchronous_mock_sees_the_right_bytes_of_every_wrong_design(design: Design) -> None:
    assert ran(design, Eager()).outcome == RIGHT
    assert ran(design, HostFirst()).outcome != RIGHT


@pytest.mark.parametrize("design", [Design.COPY_FRESH, Design.GUARDED])
@pytest.mark.parametrize("seed", range(10))
def test_the_mended_designs_are_clean(design: Design, seed: int) -> None:
    result = ran(design, Random(seed))

    assert (result.outcome, result.findings) == (RIGHT, ())


def test_an_event_before_the_kernel_hides_from_a_stalled_stream() -> None:
    """Its control flow depends on a query, so the widest window is the wrong schedule for it."""
    stalled = ran(Design.EARLY_EVENT, HostFirst())
    prompt = ran(Design.EARLY_EVENT, Eager())

    assert (stalled.outcome, stalled.findings) == (RIGHT, ())
    assert prompt.outcome == RIGHT
    assert prompt.findings


@pytest.mark.parametrize(
    ("design", "outcome_count", "run_count", "has_findings"),
    [
        (Design.COPY_KEPT, 4, 4, True),
        (Design.COPY_FRESH, 1, 10, False),
        (Design.KERNEL_KEPT, 4, 4, True),
        (Design.KERNEL_FRESH, 18, 26, True),
        (Design.GUARDED, 1, 13, False),
        (Design.EARLY_EVENT, 18, 87, True),
        (Design.NO_QUERY, 18, 26, True),
    ],
)
def test_every_order_of_three_steps_is_covered(
    design: Design, outcome_count: int, run_count: int, has_findings: bool
) -> None:
    found: list[bool] = []

    def once(schedule: Schedule) -> tuple[int, ...] | None:
        result = ran(design, schedule)
        found.append(bool(result.findings))
        return result.outcome

    explored = explore(once, budget=Budget(runs=2_000))

    assert explored.reach is Reach.EXHAUSTED
    assert any(found) == has_findings
    assert RIGHT in explored.outcomes
    assert (len(explored.outcomes), explored.runs) == (outcome_count, run_count)


def test_a_finding_reads_as_prose_with_both_lines_of_the_source() -> None:
    (finding,) = ran(Design.COPY_KEPT, HostFirst()).findings

    said = str(finding)
    assert said.startswith("race: ")
    assert "host write writes stage#1.1[0:16] on host at step" in said
    assert "copy reads stage#1.1[0:16] on compute at step" in said
    assert "and nothing orders it after this: " in said
    assert said.count("in decode)") == 2
