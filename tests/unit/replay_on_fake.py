"""Replays of kept cases on the CUDA device over the fake driver, their order forced by gates.

`test_replay_on_cuda.py` runs each in a process of its own. They decide nothing; each says what it
saw.
"""

from __future__ import annotations

import json
import random
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from fake_process import Programs
from fuzz_on_fake import READER, site, there_and_back

from kvcheck.fuzz import cuda_site, draw, forced
from kvcheck.fuzz.case import Case
from kvcheck.fuzz.corpus import Entry, digest_of, encode_entry, entry_of
from kvcheck.fuzz.cuda_site import ByCopy
from kvcheck.fuzz.looks import EVERYTHING, Look
from kvcheck.fuzz.runner import managers, run_case
from kvimpl.device.cuda import CudaDevice, DriverRuntime, GateFault, Watchdog
from kvimpl.device.fake import FakeDriver

PROGRAMS = Programs()
PACES = (0, 100)
"""How eager the device is, in per cent: gates must hold it to the record either way."""
RACY = "inv-28-copies-too-early"


def kept(case: Case, looks: frozenset[Look] = EVERYTHING) -> Entry | None:
    "The case as the fuzzer would keep it, if it fails."
    ran = run_case(case, looks=looks)
    return None if ran.failure is None else entry_of(case, ran, ran.failure)


def first_of(manager: str) -> Entry | None:
    "The first failing case of a manager among 40 drawn ones, readers in tasks of their own."
    rng = random.Random(1)
    drawn = (draw.fresh(rng, sizes=draw.SIZES, manager=manager) for _ in range(40))
    return next(filter(None, map(kept, drawn)), None)


def found(manager: str) -> Entry:
    "The same of a manager that does fail."
    entry = first_of(manager)
    assert entry is not None
    return entry


def racy(*, shows: bool) -> Entry:
    """A race of a manager that orders too little, in an order that shows in bytes, or in one not.

    It is kept by who looks at accesses only: a judge of the order would refuse it before.
    """
    for seed in range(200):
        case = there_and_back(RACY)
        entry = kept(msgspec.structs.replace(case, order=f"random {seed}"), frozenset())
        if entry is not None and bool(entry.failure.witness) is shows:
            return entry
    raise AssertionError("no such order")


def at_paces(fake: FakeDriver, entry: Entry, *, manager: str | None = None) -> list[str]:
    said = []
    for pace in PACES:
        fake.order(seed=1, eager=pace)
        try:
            said.append(forced.forced(entry, site(), manager=manager).applies.name)
        except GateFault:
            said.append("fault")
    return said


@PROGRAMS.add
def each(fake: FakeDriver) -> object:
    "The first failing case of every manager: what it fails by on sim, and what is said of it here."
    got = {}
    for manager in managers()[1:]:
        entry = first_of(manager)
        if entry is not None:
            got[manager] = [entry.failure.kind, at_paces(fake, entry), len(entry.case.tasks)]
    return [got, fake.live]


@PROGRAMS.add
def good(fake: FakeDriver) -> object:
    "Cases of wrong managers on the right one, with one, two and three tasks."
    entries = [found("s1-5"), found("canary")]
    readers = msgspec.structs.replace(there_and_back("s1-1", readers=2), order="random 3")
    entry = kept(readers)
    assert entry is not None
    assert len(entry.case.tasks) == 3
    assert READER in entry.case.tasks
    return [at_paces(fake, e, manager="blocks") for e in (*entries, entry)]


@PROGRAMS.add
def races(fake: FakeDriver) -> object:
    "A race that shows in bytes and one that does not; and where bytes are not compared."

    class Blind(ByCopy):
        "The planted mistake: what was read is not compared."

        def finish(self, device: Any) -> None:
            self._takes.clear()
            super().finish(device)

    shown, hidden = racy(shows=True), racy(shows=False)
    got = [at_paces(fake, shown), at_paces(fake, hidden)]
    with patch.object(forced, "ByCopy", Blind):
        got.append(at_paces(fake, shown))
    return got


@PROGRAMS.add
def ungated(fake: FakeDriver) -> object:
    "The same without gates: the pace decides, whatever the record says."

    class Ungated(CudaDevice):
        "The planted mistake: the order of the record is not forced."

        fault = None

        def __init__(self, device: Any, runtime: Any, steps: Any) -> None:
            self.__dict__.update(device.__dict__)

        def abandon(self) -> None:
            self.close()

    with patch.object(forced, "GatedDevice", Ungated):
        return [at_paces(fake, racy(shows=True)), at_paces(fake, racy(shows=False))]


@PROGRAMS.add
def commands(fake: FakeDriver) -> object:
    "`kvproof replay FILE --device cuda`: of each file its exit code and what was printed."
    fake.order(seed=1, eager=30)
    lost = found("canary")
    elsewhere = msgspec.structs.replace(found("s1-1"), device="cuda", line="")
    other = msgspec.structs.replace(lost, line="host nobody")
    return {
        "fails": command(found("s1-1")),
        "right": command(found("s1-1"), "--manager", "blocks"),
        "shown": command(racy(shows=True)),
        "hidden": command(racy(shows=False)),
        "elsewhere": command(elsewhere),
        "elsewhere right": command(elsewhere, "--manager", "blocks"),
        "other": command(other),
        "stuck": stuck(fake, racy(shows=False)),
    }


def command(entry: Entry, *arguments: str) -> list[Any]:
    "The command on a file with this entry."
    from kvcheck.cli.entry import run

    out = StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(out), redirect_stderr(out):
        path = Path(folder) / "kept.json"
        path.write_bytes(encode_entry(msgspec.structs.replace(entry, digest=digest_of(entry))))
        kept_in = Path(folder) / "result.json"
        told = ("--device", "cuda", "--quiet", "--json", str(kept_in))
        code = run(("replay", str(path), *told, *arguments))
        result = json.loads(kept_in.read_text())["obligations"] if kept_in.exists() else []
    return [int(code), out.getvalue().replace(folder, ""), [(r["id"], r["bound"]) for r in result]]


def stuck(fake: FakeDriver, entry: Entry) -> list[Any]:
    "The command where no stream makes progress, and patience is short."
    ticks = iter(range(10**9))

    class Still(DriverRuntime):
        "The planted mistake: a device that never executes."

        def stream(self, *, blocking: bool) -> Any:
            made = super().stream(blocking=blocking)
            fake.hold(int(made))
            return made

    def soon() -> Watchdog:
        return Watchdog(100, clock=lambda: next(ticks), pause=lambda _: None)

    with patch.multiple(cuda_site, DriverRuntime=Still, Watchdog=soon):
        return command(entry)


if __name__ == "__main__":
    PROGRAMS.main()
