"""The canonical text of a part of a model: what a proof depends on, and nothing else.

It decides when two specs are the same for a proof. Places in the source, sentences and reasons are
left out, and locals are renumbered as they come, so that a comment, a blank line or a reworded
docstring changes no text; whatever an engine reads does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum

from kvspec.lang.ir import Action, Local, Model, Position, Property

PROSE = frozenset({"sentence", "why", "id", "thread"})


def canonical_text(node: object) -> str:
    """One line that is equal for two IR values exactly where engines read them alike."""
    return _Writer().text(node)


def canonical_property(prop: Property) -> str:
    """A property by what it says, under no name."""
    return canonical_text(prop.formula)


def canonical_action(action: Action) -> str:
    """An action by its parameters and body, under no name."""
    return canonical_text((action.parameters, action.body))


def canonical_ground(model: Model) -> str:
    """What every question about a model shares: its types, constants, variables and `init`."""
    return canonical_text(
        (model.sizes, model.sorts, model.constants, model.variables, model.init.parameters)
    ) + canonical_action(model.init)


def canonical_properties(properties: Iterable[Property]) -> str:
    """A set of properties, whatever their order and names."""
    return "\n".join(sorted({canonical_property(prop) for prop in properties}))


class _Writer:
    """Writes one tree; numbers its locals by first occurrence."""

    def __init__(self) -> None:
        self.locals: dict[str, int] = {}

    def text(self, node: object) -> str:
        if isinstance(node, Local):
            number = self.locals.setdefault(node.name, len(self.locals))
            return f"%{number}:{self.text(node.type)}"
        if isinstance(node, Position):
            return ""
        if isinstance(node, tuple):
            return "(" + " ".join(self.text(item) for item in node) + ")"
        if isinstance(node, Enum):
            return f"{type(node).__name__}.{node.name}"
        if is_dataclass(node):
            inner = (
                self.text(getattr(node, part.name))
                for part in fields(node)
                if part.name not in PROSE
            )
            return f"{type(node).__name__}[{' '.join(inner)}]"
        if node is None or isinstance(node, bool | int | str):
            return repr(node)
        raise TypeError(f"no canonical text for a {type(node).__name__}")
