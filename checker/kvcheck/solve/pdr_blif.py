"""A circuit as BLIF text, and ABC's answers read back: an invariant, or the inputs of a run.

It translates text; it runs nothing. BLIF because it is plain text that names its wires, and ABC
gives names back in what it writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvcheck.solve.bits import Wire
from kvcheck.solve.bits_machine import BitMachine


def blif(machine: BitMachine) -> str:
    """The machine as BLIF, with one output, `bad`."""
    return "\n".join(_lines(machine)) + "\n"


def _lines(machine: BitMachine) -> Iterator[str]:
    names = {m.now >> 1: f"m{n}" for n, m in enumerate(machine.memory)}
    names |= {wire >> 1: f"c{n}" for n, wire in enumerate(machine.choices)}

    def name(wire: Wire) -> str:
        return names.get(wire >> 1, f"g{wire >> 1}")

    yield ".model machine"
    yield ".inputs " + " ".join(f"c{n}" for n in range(len(machine.choices)))
    yield ".outputs bad"
    for number in range(len(machine.memory)):
        yield f".latch n{number} m{number} 0"
    yield ".names g0"
    for number, gate in enumerate(machine.circuit.gates, 1):
        if gate is not None:
            a, b = gate
            yield f".names {name(a)} {name(b)} {name(2 * number)}"
            yield f"{1 - (a & 1)}{1 - (b & 1)} 1"
    outputs = [(f"n{n}", m.following) for n, m in enumerate(machine.memory)]
    for output, wire in [*outputs, ("bad", machine.bad)]:
        yield f".names {name(wire)} {output}"
        yield f"{1 - (wire & 1)} 1"
    yield ".end"


# ---- what ABC answers --------------------------------------------------------------------------


class UnreadableAnswer(Exception):
    """ABC wrote something that this module does not understand."""


def cubes(text: str) -> tuple[dict[int, bool], ...]:
    """The cubes of an invariant file: memory numbers to values; the invariant excludes each."""
    names: list[str] = []
    found = []
    for line in text.splitlines():
        if line.startswith(".ilb"):
            names = line.split()[1:]
        elif line and line[0] in "01-":
            literals = line.split()[0]
            if len(literals) != len(names):
                raise UnreadableAnswer(f"a cube of {len(literals)} literals, {len(names)} names")
            pairs = zip(names, literals, strict=True)
            found.append({int(n.removeprefix("m")): c == "1" for n, c in pairs if c != "-"})
    if not names:
        raise UnreadableAnswer("an invariant file without names")
    return tuple(found)


def choices_by_frame(text: str) -> tuple[int, ...]:
    """The choice made in each frame of a counterexample file."""
    frames: dict[int, int] = {}
    for line in text.splitlines():
        wire, _, value = line.partition("=")
        name, _, frame = wire.partition("@")
        if name.startswith("c") and frame.isdigit():
            number = int(frame)
            frames[number] = frames.get(number, 0) | int(value) << int(name.removeprefix("c"))
    if sorted(frames) != list(range(len(frames))):
        raise UnreadableAnswer("a counterexample file with missing frames")
    return tuple(frames[number] for number in range(len(frames)))
