"""What watching says no with: a call of torch that is not modelled is refused, never passed over.

It decides the words of the refusal; what is modelled is decided where it is.
"""

from __future__ import annotations


class NotModelled(Exception):
    """The program made a call whose order or accesses are not known here."""

    def __init__(self, call: str, why: str, instead: str) -> None:
        super().__init__(
            f"{call} is not modelled under watch. {why} {instead} What ran before it was watched; "
            "nothing after it was."
        )
