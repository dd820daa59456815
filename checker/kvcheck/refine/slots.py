"""The contract beside a design that has no contents, and no copy that lasts: what all such share.

It decides whom the contract calls a user and what its sorts are; which contract steps an action is
is the matter of each mapping. The idea: a block that moves is, to its users, a slot that is handed
out, and of who holds a block such a design knows no more than that somebody does.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from kvcheck.refine.product import Calls, Sorts, product
from kvspec.contract import Contract
from kvspec.lang import Model, Range, Size, Sort
from kvspec.lang.ir import Literal
from kvspec.lang.types import EnumType, SortType

PINS = Size("PINS")


class Slot(Sort):
    "The slots of whichever design it is."


SlotPins = Annotated[int, Range(0, PINS)]
SlotCount = Annotated[int, Range(0, Slot)]


class Holder(Enum):
    "Who holds a block, of whom the design knows no more than that there is one."

    REQUEST = 0


HOLDER = EnumType(Holder.__name__, tuple(one.name for one in Holder))
SOMEBODY = Literal(Holder.REQUEST.value, HOLDER)


class Traffic(Enum):
    "What a copy does with a slot; here none lasts."

    NONE = 0
    READ = 1
    WRITTEN = 2


def beside_contract(design: Model, calls: Calls) -> Model:
    """The design with the contract beside it, at the design's own sizes."""
    sizes = dict(design.sizes)
    count = sizes["Slot"]
    contract = Contract.instance(N=count, U=len(Holder), K=sizes["Block"], PINS=sizes["PINS"])
    sorts: Sorts = {
        "Place": SortType("Slot", count),
        "User": HOLDER,
        "Key": SortType("Block", sizes["Block"]),
    }
    return product(design, contract, calls, sorts)
