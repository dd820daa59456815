"""The notation of litmus programs: read, checked, and written back.

It decides which texts are programs; `program` says what a step is. A text is calls, separated by
`;`, and host threads, separated by `||`. A call on a stream begins with the stream's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from kvcheck.litmus.program import (
    NOT_REACHED,
    POISON,
    Outcome,
    Pageable,
    Program,
    Space,
    Step,
    Verb,
    space_of,
)

Fields = Callable[[re.Match[str]], Step]
PLACE = r"([A-Z]\d?)"
NAME = r"([a-z]\w*)"
MOVES = re.compile(rf"{PLACE}<-{PLACE}")
BYTE = re.compile(rf"{PLACE}=(\d+)")
BYTE_MAX = 255
WORDS = MappingProxyType({"T": 1, "F": 0, "-": NOT_REACHED, "poison": POISON})


class NotationError(ValueError):
    """The text is no litmus program; three sentences."""


def _moving(verb: Verb) -> Fields:
    return lambda m: Step(verb=verb, to=m[1], source=m[2])


HOST: Mapping[str, Fields] = MappingProxyType(
    {
        rf"{PLACE}=(\d+)": lambda m: Step(verb=Verb.WRITE, to=m[1], value=int(m[2])),
        rf"read {PLACE}": lambda m: Step(verb=Verb.READ, source=m[1]),
        rf"query {NAME}": lambda m: Step(verb=Verb.QUERY, on=m[1]),
        rf"{NAME}=query {NAME}": lambda m: Step(verb=Verb.QUERY, on=m[2], result=m[1]),
        rf"sync {NAME}": lambda m: Step(verb=Verb.SYNC, on=m[1]),
        r"sync": lambda m: Step(verb=Verb.SYNC),
        rf"free {PLACE}": lambda m: Step(verb=Verb.FREE, to=m[1]),
        rf"alloc {PLACE}": lambda m: Step(verb=Verb.ALLOC, to=m[1]),
        rf"destroy {NAME}": lambda m: Step(verb=Verb.DESTROY, on=m[1]),
    }
)
ON_A_STREAM: Mapping[str, Fields] = MappingProxyType(
    {
        rf"{PLACE}=(\d+)": lambda m: Step(verb=Verb.SET, to=m[1], value=int(m[2])),
        rf"{PLACE}=\[{PLACE}\]": _moving(Verb.SET_FROM),
        rf"{PLACE}<-{PLACE}": _moving(Verb.COPY),
        rf"k\({PLACE}<-{PLACE}\)": _moving(Verb.KERNEL),
        rf"alias\({PLACE}<-{PLACE}\)": _moving(Verb.ALIAS),
        rf"replay\({PLACE}<-{PLACE}\)": _moving(Verb.REPLAY),
        rf"f\({PLACE}=(\d+)\)": lambda m: Step(verb=Verb.CALL, to=m[1], value=int(m[2])),
        r"batch\((.+)\)": lambda m: Step(verb=Verb.BATCH, copies=_copies(m[1])),
        rf"record {NAME}": lambda m: Step(verb=Verb.RECORD, on=m[1]),
        rf"record {NAME} as {NAME}": lambda m: Step(verb=Verb.RECORD, on=m[1], mark=m[2]),
        rf"wait {NAME}": lambda m: Step(verb=Verb.WAIT, on=m[1]),
        rf"uses {PLACE}": lambda m: Step(verb=Verb.USES, to=m[1]),
    }
)


def _copies(text: str) -> tuple[tuple[str, str], ...]:
    moves = [MOVES.fullmatch(word) for word in text.split()]
    if not all(moves):
        raise NotationError(
            f"batch({text}) is no list of copies. Each is written D<-P, with a blank between them. "
            "Mend it."
        )
    return tuple((m[1], m[2]) for m in moves if m)


def program(
    start: str,
    text: str,
    *,
    ends: str = "",
    blocking: str = "",
    pageable: Pageable = Pageable.STAGED,
) -> Program:
    """The program that the text writes. Raises: NotationError."""
    threads = tuple(
        tuple(_step(part.strip()) for part in thread.split(";") if part.strip())
        for thread in text.split("||")
    )
    made = Program(
        start=tuple(_byte(word) for word in start.split()),
        threads=threads,
        ends=tuple(ends.split()),
        blocking=frozenset(blocking.split()),
        pageable=pageable,
    )
    _check_order(made, text)
    _check_names(made, text)
    _check_bytes(made, text)
    return made


def _byte(text: str) -> tuple[str, int]:
    match = BYTE.fullmatch(text)
    if match:
        return match[1], int(match[2])
    raise NotationError(
        f"'{text}' is no byte to start with. Most likely the place is not a capital letter, or it "
        "has no number. Write each as D=0, with blanks between them."
    )


def _step(text: str) -> Step:
    guard = re.fullmatch(rf"if {NAME}: (.+)", text)
    when, rest = (guard[1], guard[2]) if guard else ("", text)
    on_stream = re.fullmatch(rf"{NAME}: (.+)", rest)
    stream, call = (on_stream[1], on_stream[2]) if on_stream else ("", rest)
    for pattern, fields in (ON_A_STREAM if stream else HOST).items():
        match = re.fullmatch(pattern, call)
        if match:
            return replace(fields(match), stream=stream, when=when)
    raise NotationError(
        f"'{text}' is no call of a litmus program. Most likely a place is not a capital letter, or "
        "a blank is missing. See docs/litmus.md for what may be written."
    )


def _check_order(made: Program, text: str) -> None:
    """Refuse a name that its thread has not made yet, and what only an allocator could decide."""
    for thread in made.threads:
        queries: set[str] = set()
        marks: set[str] = set()
        for step in thread:
            if step.when and step.when not in queries:
                raise NotationError(_unknown(text, step.when, "asked by no query before it"))
            if step.on in made.marks and step.on not in marks:
                raise NotationError(_unknown(text, step.on, "recorded nowhere before it"))
            queries.add(step.result)
            marks.add(step.mark)
    if sum(step.verb is Verb.FREE for step in made.steps) > 1:
        raise NotationError(
            f"'{text}' frees twice. Which of two free blocks is given out next is the allocator's "
            "secret, and no formalism here models it. Free one place a program."
        )


def _check_names(made: Program, text: str) -> None:
    """Refuse a name for what is not there, or is something else."""
    used = {name for s in made.steps for name in (s.to, s.source, *sum(s.copies, ())) if name}
    for name in sorted(used | set(made.ends)):
        if name not in made.places:
            raise NotationError(_unknown(text, name, "neither in the start nor allocated"))
    for name in sorted(made.blocking - set(made.streams)):
        raise NotationError(_unknown(text, name, "called blocking and no stream"))
    for step in made.steps:
        if step.verb in (Verb.RECORD, Verb.WAIT, Verb.DESTROY) and step.on in made.streams:
            raise NotationError(_unknown(text, step.on, "a stream where an event belongs"))


def _check_bytes(made: Program, text: str) -> None:
    """Refuse a value that is no byte, and the host's hand on memory of the device."""
    values = [value for _, value in made.start] + [step.value for step in made.steps]
    if max(values, default=0) > BYTE_MAX:
        raise NotationError(
            f"'{text}' has the value {max(values)}. A place holds one byte, so most likely a digit "
            f"is too many. Write 0 to {BYTE_MAX}."
        )
    for step in made.steps:
        name = step.to or step.source if step.verb in (Verb.WRITE, Verb.READ, Verb.CALL) else ""
        name = step.source if step.verb is Verb.SET_FROM else name
        if name and space_of(name) is Space.DEVICE:
            raise NotationError(
                f"'{text}' has the host touch {name}, which is on the device. Most likely the "
                "stream before the call is missing, or the place should be pinned. Name a stream, "
                "or use P, Q, R, G or V."
            )


def _unknown(text: str, name: str, why: str) -> str:
    return (
        f"'{text}' uses {name}, which is {why}. Most likely the name is misspelt. "
        "Write it the same way everywhere."
    )


def outcomes(text: str) -> frozenset[Outcome]:
    """Outcomes written with blanks between them, commas inside: "T,1 F,1". Raises: NotationError"""
    return frozenset(tuple(map(_value, outcome.split(","))) for outcome in text.split())


def _value(word: str) -> int:
    if word in WORDS:
        return WORDS[word]
    if word.isdecimal():
        return int(word)
    raise NotationError(
        f"'{word}' is no value of an outcome. Most likely a comma is missing, or it is a word that "
        f"is not known. Write a number, or one of {', '.join(WORDS)}."
    )


def written_outcome(made: Program, outcome: Outcome) -> str:
    """The outcome as `outcomes` reads it."""
    asked = [s.verb is Verb.QUERY for s in made.steps if s.verb in (Verb.READ, Verb.QUERY)]
    asked += [False] * len(made.ends)
    return ",".join(_word(value, is_query) for value, is_query in zip(outcome, asked, strict=True))


def _word(value: int, is_query: bool) -> str:
    if value == NOT_REACHED:
        return "-"
    if is_query:
        return "T" if value else "F"
    return "poison" if value == POISON else str(value)
