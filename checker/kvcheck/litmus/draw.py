"""Random litmus programs, and whether one run of each foretells what its other orders would do.

It decides what is drawn and what counts as missed: an outcome that depends on the order, and a run
without a race. Nothing drawn depends on time by design (no query, no allocator, one host thread),
since control flow that does may hide its race from a run that goes the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kvcheck.litmus.notation import program
from kvcheck.litmus.on_sim import on_sim, once
from kvcheck.litmus.program import Pageable, Program
from kvcheck.schedule import HostFirst

START = "D=1 E=2 P=3 Q=4 G=5"
PLACES = ("D", "E", "P", "Q", "G")
HOST = ("P", "Q", "G")
STREAMS = ("a", "b", "legacy")
LINES = 7


def drawn(seed: int) -> Program:
    """The program of this seed, always the same one."""
    r = Random(seed)
    text = "; ".join(_line(r) for _ in range(LINES))
    blocking = " ".join(name for name in "ab" if r.random() < 0.3 and f"{name}: " in text)
    pageable = r.choice(list(Pageable))
    return program(START, text, ends="D E P Q G", blocking=blocking, pageable=pageable)


def _line(r: Random) -> str:
    stream, event = r.choice(STREAMS), r.choice("ef")
    to, source = r.sample(PLACES, 2)
    host, value = r.choice(HOST), r.randrange(10, 99)
    device = r.choice("DE")
    return r.choice(
        (
            f"{stream}: {to}<-{source}",
            f"{stream}: {to}<-{source}",
            f"{stream}: k({r.choice('DE')}<-{r.choice('PQ')})",
            f"{stream}: {device}={value}",
            f"{stream}: f({r.choice('PQ')}={value})",
            f"{stream}: record {event}",
            f"{stream}: record {event}",
            f"{stream}: wait {event}",
            f"{stream}: wait {event}",
            f"{host}={value}",
            f"read {host}",
            f"sync {event}",
        )
    )


@dataclass(frozen=True, slots=True)
class Foretold:
    """Of how many programs: how many depend on the order, were missed, or flagged though equal."""

    programs: int = 0
    dependent: int = 0
    missed: tuple[int, ...] = ()
    benign: int = 0
    clean: int = 0
    undecided: int = 0


def foretell(seeds: range) -> Foretold:
    """Hold one host-first run of each drawn program against all its orders."""
    missed = []
    dependent = benign = clean = undecided = 0
    for seed in seeds:
        made = drawn(seed)
        seen = on_sim(made)
        is_flagged = bool(once(made, HostFirst()).findings)
        if len(seen.outcomes) > 1:
            dependent += 1
            if not is_flagged:
                missed.append(seed)
        elif not seen.is_complete:
            undecided += 1
        elif is_flagged:
            benign += 1
        else:
            clean += 1
    return Foretold(len(seeds), dependent, tuple(missed), benign, clean, undecided)
