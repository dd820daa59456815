"""Names that TLA+ accepts: no reserved word, no operator of a standard module, none bound twice.

It decides spelling only. TLA+ forbids a bound variable to reuse any name that is already in scope,
so every name of a module comes from one `Names`, and every name of an action from its child.
"""

from __future__ import annotations

import re

KEYWORDS = frozenset(
    """
    ASSUME ASSUMPTION AXIOM BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE
    ENABLED EXCEPT EXTENDS HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS
    OMITTED ONLY OTHER PICK PROOF PROPOSITION PROVE QED RECURSIVE STATE STEP SUBSET SUFFICES TAKE
    TEMPORAL THEN THEOREM UNCHANGED UNION USE VARIABLE VARIABLES WITH WITNESS ACTION TRUE FALSE
    BOOLEAN STRING
    """.split()  # noqa: SIM905
)
# The operators of Naturals, Integers, Sequences, FiniteSets and TLC.
LIBRARY = frozenset(
    """
    Nat Int Seq Len Append Head Tail SubSeq SelectSeq IsFiniteSet Cardinality Print PrintT Assert
    JavaTime TLCGet TLCSet Permutations SortSeq RandomElement Any ToString TLCEval
    """.split()  # noqa: SIM905
)


class Names:
    """A scope that hands out each name once; a child scope avoids its parent's names too."""

    def __init__(self, parent: Names | None = None) -> None:
        self._taken: set[str] = set()
        self._parent = parent

    def is_taken(self, name: str) -> bool:
        """Whether the name may not be used again here."""
        if name in self._taken:
            return True
        return self._parent.is_taken(name) if self._parent else name in KEYWORDS | LIBRARY

    def fresh(self, wanted: str) -> str:
        """`wanted`, spelled as TLA+ allows, with a number behind it if it is taken."""
        stem = identifier(wanted)
        name, number = stem, 0
        while self.is_taken(name):
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

    def release(self, name: str) -> None:
        """End the scope of a name that only what is already written can see."""
        self._taken.discard(name)


def identifier(wanted: str) -> str:
    """The nearest TLA+ identifier: ASCII letters, digits and underscores, a letter among them."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_") or "x"
    if not re.match(r"[A-Za-z]", plain) or plain.startswith(("WF_", "SF_")):
        plain = f"x_{plain}"
    return plain


def string(text: str) -> str:
    """A TLA+ string literal, without what SANY takes amiss in one: quotes, backticks, non-ASCII."""
    plain = " ".join(text.split()).encode("ascii", "replace").decode()
    return '"' + plain.replace("\\", "/").replace('"', "'").replace("`", "'") + '"'


def comment(text: str) -> str:
    """A one-line comment's text: ASCII, no line break."""
    return " ".join(text.split()).encode("ascii", "replace").decode()
