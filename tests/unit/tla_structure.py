"""A reader of exported TLA+ that shares no code with the exporter: tokens, names and brackets.

It decides whether a module could be accepted by a parser and whether every action says of every
variable what becomes of it; it knows no semantics. It is weaker than SANY and runs without Java.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r'"[^"\\\n]*"|\\[A-Za-z]+|[A-Za-z0-9_]*[A-Za-z][A-Za-z0-9_]*|\d+|\|->|<<|>>|==|:>|@@'
    r"|/\\|\\/|<=|>=|=<|->|\.\.|[][(){}=<>#~:,.+\-'!@\\*]"
)
WORDS = frozenset(
    """
    EXTENDS VARIABLES IF THEN ELSE LET IN CHOOSE EXCEPT DOMAIN SUBSET UNCHANGED TRUE FALSE BOOLEAN
    LAMBDA RECURSIVE ASSUME Seq Len Head Tail Append SelectSeq Cardinality Assert
    """.split()  # noqa: SIM905
)
PAIRS = {")": "(", "]": "[", "}": "{", ">>": "<<"}


@dataclass(frozen=True, slots=True)
class Definition:
    """`name(parameters) == body`, the body as tokens."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[str, ...]


def tokens(text: str) -> list[str]:
    """The tokens of a module's body, comments and rulers left out."""
    lines = [
        line.split("\\*")[0] for line in text.splitlines() if not re.match(r"(-{4}|={4})", line)
    ]
    plain = "\n".join(lines)
    left = TOKEN.sub("", plain).split()
    assert left == [], f"no such token in TLA+: {left}"
    return TOKEN.findall(plain)


def definitions(text: str) -> list[Definition]:
    """The module's top-level definitions, each of which starts in the first column."""
    blocks = re.split(r"\n(?=[A-Za-z])", re.sub(r"\n\\\*[^\n]*", "\n", text))
    found = []
    for block in blocks:
        head = re.match(r"([A-Za-z]\w*)(?:\(([^)]*)\))? ==", block)
        if head:
            parameters = tuple(p.strip() for p in (head[2] or "").split(",") if p.strip())
            found.append(Definition(head[1], parameters, tuple(tokens(block[head.end() :]))))
    return found


def variables(text: str) -> list[str]:
    """The declared state variables."""
    line = re.search(r"^VARIABLES (.*)$", text, re.M)
    assert line is not None
    return line[1].split(", ")


def faults(text: str) -> list[str]:
    """Everything that is wrong with the module, in words; empty for a good one."""
    defined = definitions(text)
    found = [f"unbalanced {name}" for name in _unbalanced(defined)]
    names = Counter([*(d.name for d in defined), *variables(text)])
    found += [f"{name} is defined {n} times" for name, n in names.items() if n > 1]
    found += [f"{name} is a word of TLA+" for name in names if name in WORDS]
    known = set(names) | WORDS
    for definition in defined:
        for name in _unknown(definition, known):
            found.append(f"{definition.name}: {name} is not in scope")
        for name in _rebound(definition, set(names)):
            found.append(f"{definition.name}: {name} is bound while in scope")
    next_state = next(d for d in defined if d.name.startswith("Next"))
    pairs = zip(next_state.body, next_state.body[1:], strict=False)
    called = {name for before, name in pairs if before in (":", "\\/")}
    actions = [d for d in defined if d.name in called]
    found += [] if actions else ["Next takes no action"]
    for action in actions:
        found += list(_unsettled(action, variables(text)))
    return found


def _unbalanced(defined: list[Definition]) -> Iterator[str]:
    for definition in defined:
        stack: list[str] = []
        for token in definition.body:
            if token in PAIRS.values():
                stack.append(token)
            elif token in PAIRS and (not stack or stack.pop() != PAIRS[token]):
                yield definition.name
        if stack:
            yield definition.name


def _bound(definition: Definition) -> list[str]:
    """Names that the definition binds anywhere: by quantifier, LET, LAMBDA, function or set."""
    body, bound = definition.body, list(definition.parameters)
    for before, name, after in zip(body, body[1:], body[2:], strict=False):
        is_binder = before in ("\\E", "\\A", "CHOOSE", "LAMBDA", "LET")
        if is_binder or (before in ("[", "{", ":") and after == "\\in"):
            bound.append(name)
    return bound


def _fields(definition: Definition) -> set[str]:
    body = definition.body
    return {
        name
        for before, name, after in zip(body, body[1:], body[2:], strict=False)
        if before == "." or (before in ("[", ",") and after in ("|->", ":"))
    }


def _unknown(definition: Definition, known: set[str]) -> Iterator[str]:
    scope = known | set(_bound(definition)) | _fields(definition)
    for token in definition.body:
        if re.match(r"[A-Za-z]", token) and token not in scope:
            yield token


def _rebound(definition: Definition, module: set[str]) -> Iterator[str]:
    yield from (name for name in _bound(definition) if name in module and name != "RECURSIVE")
    yield from (name for name, n in Counter(definition.parameters).items() if n > 1)


def _unsettled(action: Definition, state: list[str]) -> Iterator[str]:
    body = action.body
    given = Counter(
        body[place]
        for place in range(len(body) - 2)
        if body[place + 1] == "'" and body[place + 2] == "=" and body[place - 1] == "/\\"
    )
    if "UNCHANGED" in body:
        listed = body[body.index("UNCHANGED") + 1 :]
        given.update(token for token in listed if token in state)
        if listed[0].startswith("vars"):
            return
    for name in state:
        if given[name] != 1:
            yield f"{action.name} settles {name} {given[name]} times"
