"""Runs CrossHair over the contracts of this folder and over the two queue designs; exits by result.

It decides what CrossHair's words are worth: a counterexample fails, and so does a contract of which
nothing was said. One that is *not confirmed* was tried on some paths only: it is listed as such,
and does not count as proved.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MODULES = tuple(sorted(FOLDER.glob("*_contracts.py")))
SECONDS = 4
SAID = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<kind>error|info|warning): (?P<words>.*)$")


class State(Enum):
    """What CrossHair said of a contract."""

    CONFIRMED = "confirmed over all paths"
    NOT_CONFIRMED = "not confirmed"
    REFUTED = "refuted"
    SILENT = "nothing was said"


class Likeness(Enum):
    """How two functions compare."""

    DIFFERENT = "they differ"
    ALIKE = "they are alike on all paths"
    OPEN = "no difference on the paths that were tried"


BEARABLE = (State.CONFIRMED, State.NOT_CONFIRMED)
COMPARED = (
    (
        "named and stored queues, a block changed while queued",
        "named_moved",
        "stored_moved",
        Likeness.DIFFERENT,
    ),
    (
        "named and stored queues, a block claimed before it is changed",
        "named_kept",
        "stored_kept",
        Likeness.ALIKE,
    ),
)
"""What is compared, and what must come of it."""


@dataclass(frozen=True)
class Contract:
    """A function with a postcondition, and what became of it."""

    name: str
    state: State
    words: str = ""


def check(modules: Sequence[Path] = MODULES, *, seconds: float = SECONDS) -> list[Contract]:
    """Every contract of the modules, in their order, with what CrossHair said of it."""
    arguments = ["check", "--report_all", "--analysis_kind", "PEP316"]
    arguments += ["--per_condition_timeout", str(seconds), *map(str, modules)]
    _, out = crosshair(arguments)
    said = [m for m in map(SAID.match, out.splitlines()) if m]
    found: list[Contract] = []
    for module in modules:
        for name, start, stop in contracts_of(module):
            own = [
                (m["kind"], m["words"])
                for m in said
                if Path(m["file"]).name == module.name and start <= int(m["line"]) <= stop
            ]
            found.append(Contract(f"{module.stem}.{name}", *_state(own)))
    return found


def contracts_of(module: Path) -> list[tuple[str, int, int]]:
    """Name, first and last line of each function with a postcondition."""
    return [
        (node.name, node.lineno, node.end_lineno or node.lineno)
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.FunctionDef) and "post:" in (ast.get_docstring(node) or "")
    ]


def compare(first: str, second: str, *, seconds: float = SECONDS) -> tuple[Likeness, str]:
    """How two functions compare, and CrossHair's words on it."""
    arguments = ["diffbehavior", "--per_condition_timeout", str(seconds), first, second]
    code, out = crosshair(arguments)
    if code not in (0, 1):
        raise RuntimeError(f"crosshair diffbehavior {first} {second}: exit {code}: {out.strip()}")
    if code == 1:
        return Likeness.DIFFERENT, out.strip()
    exhausted = "All paths exhausted" in out
    return Likeness.ALIKE if exhausted else Likeness.OPEN, out.strip()


def crosshair(arguments: Sequence[str]) -> tuple[int, str]:
    """CrossHair's exit code and what it printed, with this folder on the path."""
    path = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH", ""))))
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "crosshair", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _state(said: Sequence[tuple[str, str]]) -> tuple[State, str]:
    words = "; ".join(words for _, words in said)
    if any(kind == "error" for kind, _ in said):
        return State.REFUTED, words
    if any(words.startswith("Confirmed") for _, words in said):
        return State.CONFIRMED, ""
    if any(words.startswith("Not confirmed") for _, words in said):
        return State.NOT_CONFIRMED, ""
    return State.SILENT, words


def main() -> int:
    """Print a line a contract and the comparison of the designs; 0 if all is as it must be."""
    contracts = check()
    for contract in contracts:
        print(f"{contract.name}: {contract.state.value} {contract.words}".rstrip())
    is_right = bool(contracts) and all(c.state in BEARABLE for c in contracts)
    for title, first, second, wanted in COMPARED:
        likeness, words = compare(f"queue_designs.{first}", f"queue_designs.{second}")
        print(f"{title}: {likeness.value}\n{words}")
        is_right = is_right and likeness is wanted
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
