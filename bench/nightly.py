"""What is too long for the suite, one part after the other; `make nightly` runs this.

It decides what is run and how it is summed up; each part has its own verdict. The idea: a part that
fails stops no other, and the end says of each what it covered. A seed draws other histories and
other fuzzed cases than its neighbours; the Makefile gives the day's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from measure import KVPROOF, PYTHON, ROOT, table

INTERRUPTED = 2
WORST_FIRST = (1, 3, INTERRUPTED, 4, 11, 5, 10)
"""Exit codes of `kvproof`; any other, such as a signal's, is a fault of the tool."""
MEANS = {
    0: "holds",
    1: "VIOLATED",
    INTERRUPTED: "interrupted",
    3: "fault of the tool",
    4: "usage",
    5: "nothing ran",
    10: "inconclusive",
    11: "environment absent",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A command, and how the line of its output begins that says what it covered."""

    name: str
    command: tuple[str, ...]
    tells: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a part; `code` is None if it was not run."""

    part: Part
    code: int | None
    seconds: float = 0.0
    covered: str = ""


def parts(options: argparse.Namespace) -> tuple[Part, ...]:
    """The night's."""
    linear = ("--runs", str(options.histories), "--operations", str(options.operations))
    first = str(options.seed * options.histories)  # no history of another seed's
    mutants = (PYTHON, str(ROOT / "bench" / "mutate_spec.py"), *options.designs, "--check")
    return (
        *(
            Part(
                f"histories on {where}",
                (KVPROOF, "linear", "--on", where, *linear, "--seed", first, "--quiet"),
                lambda line: "linearizable: " in line,
            )
            for where in ("threads", "sim")
        ),
        Part(
            "fuzzing",
            (KVPROOF, "fuzz", "--budget", options.fuzz, "--seed", str(options.seed), "--quiet"),
            lambda line: line.startswith("blocks: "),
        ),
        Part(
            "mutants", (*mutants, "--jobs", str(options.jobs)), lambda line: " mutants of " in line
        ),
    )


def run(part: Part) -> Ended:
    """Run it to its end; what it prints is shown as it comes."""
    print(f"\n==== {part.name}: {' '.join(part.command)}", flush=True)
    began, covered = time.monotonic(), ""
    child = subprocess.Popen(part.command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        for line in child.stdout:
            print(line, end="", flush=True)
            covered = line.strip() if part.tells(line) else covered
        code = child.wait()
    except KeyboardInterrupt:  # the child was interrupted, too, and says what it has
        child.wait()
        code = INTERRUPTED
    return Ended(part, code, time.monotonic() - began, covered)


def all_of(night: Sequence[Part], run_one: Callable[[Part], Ended] = run) -> list[Ended]:
    """Each part's end; after an interruption the rest is not run, and said to be so."""
    ended: list[Ended] = []
    for part in night:
        is_over = any(one.code == INTERRUPTED for one in ended)
        ended.append(Ended(part, None) if is_over else run_one(part))
    return ended


def exit_code(ended: Sequence[Ended]) -> int:
    """The worst of all parts that were run."""
    codes = {_code(one) for one in ended if one.code is not None}
    known = {code if code in (0, *WORST_FIRST) else 3 for code in codes}
    return next((code for code in WORST_FIRST if code in known), 0)


def _code(one: Ended) -> int:
    """A part that did not say what it covered has neither passed nor found anything: it broke."""
    return 3 if one.code in (0, 1) and not one.covered else one.code or 0


def told(one: Ended) -> str:
    """The end in a word."""
    if one.code is None:
        return "not run"
    return MEANS.get(_code(one), f"died of {one.code}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--fuzz", default="30m", help="how long, as 90s or 30m")
    parser.add_argument("--designs", nargs="*", default=[], help="for the mutants; all, if none")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    ended = all_of(parts(parser.parse_args(arguments)))
    print()
    rows = [[one.part.name, told(one), f"{one.seconds:.0f} s", one.covered] for one in ended]
    table(["part", "ended", "took", "covered"], rows)
    return exit_code(ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
