"""Programs of fuzzing on the CUDA device over the fake driver: campaigns, and what runs leave.

`test_fuzz_on_cuda.py` runs each in a process of its own. They decide nothing; each says what it
saw.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from fake_process import Programs

from kvcheck.cli.fuzz_report import obligations
from kvcheck.fuzz.campaign import Campaign, Plan, fuzz
from kvcheck.fuzz.case import (
    Acquire,
    Allocate,
    AnyCall,
    BeginStep,
    Case,
    Commit,
    EndStep,
    Fill,
    PinKey,
    Poll,
    Read,
    ReadPinned,
    Release,
    Sizes,
    Unpin,
)
from kvcheck.fuzz.cuda_site import ByCopy, CudaSite
from kvcheck.fuzz.looks import EVERYTHING, Look
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.shrink import shrink_calls
from kvimpl.device.cuda import DriverLauncher, DriverRuntime
from kvimpl.device.fake import FakeDriver, image

PROGRAMS = Programs()
STORED: tuple[AnyCall, ...] = (BeginStep(), Allocate(0), EndStep(), Fill(0, 0, 1), Commit(0, 0))
EVICTED: tuple[AnyCall, ...] = (Release(0, 0), BeginStep(), Allocate(1), EndStep(), Fill(1, 0, 2))
HIT: tuple[AnyCall, ...] = (
    Poll(),
    Release(1, 0),
    BeginStep(),
    Acquire(0, 1),
    EndStep(),
    Read(0, 0),
)
READER: tuple[AnyCall, ...] = (PinKey(1), ReadPinned(0), Unpin(0))
ILLEGAL_ADDRESS = 700
NO_LOOK: frozenset[Look] = frozenset()


def site() -> CudaSite:
    return CudaSite(DriverRuntime(), DriverLauncher(image))


def there_and_back(manager: str = "blocks", *, readers: int = 0) -> Case:
    "A block is offloaded, brought back and read, and the order that is written is not followed."
    return Case(Sizes(1, 1), ((*STORED, *EVICTED, *HIT), *[READER] * readers), "eager", manager)


def campaign_of(place: CudaSite, *, manager: str = "blocks", runs: int) -> Campaign:
    "It ends at its first finding: threads take turns as they like, so its run's number varies."
    plan = Plan(seed=3, manager=manager, runs_max=runs, classes_max=1)
    return fuzz(
        replace(plan, device=place.name, blind=place.blind),
        run=partial(run_case, site=place),
        shrink=partial(shrink_calls, runs_max=60),
        keep=lambda case, ran: None,
        is_time_up=lambda: False,
        is_interrupted=lambda: False,
    )


@PROGRAMS.add
def right(fake: FakeDriver) -> object:
    "A campaign of the right manager: its first obligation, its extent, and what is left of it."
    fake.order(seed=5, eager=30)
    done = campaign_of(site(), runs=48)
    clean = obligations(done, 1.0)[0]
    verdict = clean.verdict
    return {
        "first": [clean.id, verdict.outcome.value, verdict.evidence.value, verdict.bound],
        "found": [found.failure.words for found in done.found],
        "steps": done.steps,
        "readers": done.hits["action pin"],
        "executed": fake.executed,
        "live": fake.live,
    }


@PROGRAMS.add
def wrong(fake: FakeDriver) -> object:
    "A campaign of a manager whose steps are refused: what it found, and what is left of it."
    fake.order(seed=5, eager=30)
    found = campaign_of(site(), manager="s1-5", runs=2_000).found
    return {"found": [found.failure.key for found in found], "live": fake.live}


@PROGRAMS.add
def content(fake: FakeDriver) -> object:
    "The kinds of failures of a manager that orders too little, over 30 orders."

    class Blind(ByCopy):
        "The planted mistake: what was read is not compared."

        def finish(self, device: Any) -> None:
            self._takes.clear()
            super().finish(device)

    def classes(manager: str, reads: type[ByCopy], looks: frozenset[Look] = NO_LOOK) -> list[str]:
        place, found = site(), set()
        for seed in range(30):
            fake.order(seed=seed, eager=60)
            ran = run_case(there_and_back(manager), site=_With(place, reads), looks=looks)
            found.add("" if ran.failure is None else ran.failure.kind)
        return sorted(found)

    bug = "inv-28-copies-too-early"
    return {
        "right": classes("blocks", ByCopy),
        "wrong": classes(bug, ByCopy),
        "blind": classes(bug, Blind),
        "judged": classes(bug, Blind, EVERYTHING),
    }


class _With(CudaSite):
    "A site whose runs read by this kind of reads."

    def __init__(self, place: CudaSite, reads: type[ByCopy]) -> None:
        super().__init__(place.runtime, place.launcher)
        self._kind = reads

    def open(self, case: Case) -> Any:
        opened = super().open(case)
        opened.block_bytes.__class__ = self._kind
        return opened


@PROGRAMS.add
def failing(fake: FakeDriver) -> object:
    "Runs that fail while readers are at work: what is left, and whether the next run is well."
    place, left = site(), []
    fake.order(seed=1, eager=30)
    for _ in range(10):
        ran = run_case(there_and_back("s1-1", readers=2), site=place)
        left.append([ran.failure is not None, ran.device, ran.line, fake.live["memory"]])
    after = run_case(there_and_back(readers=2), site=place)
    return {"left": left, "after": after.failure is None, "lost": place.lost, "live": fake.live}


@PROGRAMS.add
def lost(fake: FakeDriver) -> object:
    "A device that fails for good in the middle of a campaign from the command line."
    fake.order(seed=1, eager=100)
    fake.fail("execute", ILLEGAL_ADDRESS, after=40)
    return command("--runs", "200")


@PROGRAMS.add
def found_by_command(fake: FakeDriver) -> object:
    "The command on a manager with a known bug, and the replay of what it kept."
    fake.order(seed=1, eager=30)
    return command("--runs", "5", "--manager", "canary") | {"live": fake.live}


def command(*arguments: str) -> dict[str, object]:
    "`kvproof fuzz --device cuda` and then `kvproof replay` of its first file, in an empty folder."
    from kvcheck.cli.entry import run

    out, err = StringIO(), StringIO()
    streams = redirect_stdout(out), redirect_stderr(err)
    with tempfile.TemporaryDirectory() as folder, chdir(folder), streams[0], streams[1]:
        code = int(run(("fuzz", "--device", "cuda", "--json", "r.json", "--quiet", *arguments)))
        kept = sorted(map(str, Path(".kvproof/corpus").glob("*.json")))
        result = json.loads(Path("r.json").read_text())
        devices = [json.loads(Path(path).read_text()).get("device") for path in kept]
        fuzzed = out.getvalue()
        again = [int(run(("replay", path))) for path in kept]
        on_right = [int(run(("replay", path, "--manager", "blocks"))) for path in kept]
    return {
        "code": code,
        "out": fuzzed,
        "err": err.getvalue(),
        "search": result["searches"][0],
        "names": [os.path.basename(path) for path in kept],
        "devices": devices,
        "again": again,
        "on_right": on_right,
        "replayed": out.getvalue()[len(fuzzed) :],
    }


if __name__ == "__main__":
    PROGRAMS.main()
