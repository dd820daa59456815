"""What a run covers, as names: actions, guard conjuncts both ways, goals, states of the design.

It decides the names and what must be met; which case to try next is `steer`'s. A conjunct went
*true* when its action was taken or a later conjunct refused it, and *false* when the manager
refused by it and the judge agreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kvcheck.fuzz.designs import Ground


def names_of(
    ground: Ground,
    taken: Mapping[str, int],
    refused: Mapping[str, int],
    states: Iterable[int],
    goals: Iterable[str],
) -> frozenset[str]:
    """The names of what was met; `refused` counts by `action: conjunct`."""
    names = {f"goal {goal}" for goal in goals}
    names.update([f"state {state & 0xFFFF_FFFF_FFFF_FFFF:016x}" for state in states])
    for action in taken:
        names.add(action_name(action))
        names.update(conjunct_name(action, label, "true") for label in ground.guards[action])
    for refusal in refused:
        action, _, guard = refusal.partition(": ")
        names.add(conjunct_name(action, guard, "false"))
        labels = ground.guards.get(action, ())
        before = labels[: labels.index(guard)] if guard in labels else ()
        names.update(conjunct_name(action, label, "true") for label in before)
    return frozenset(names)


def wanted(grounds: Iterable[Ground]) -> tuple[str, ...]:
    """Every name but the states' that runs under these designs can have, in a fixed order."""
    names: dict[str, None] = {}
    for ground in grounds:
        for action, labels in ground.guards.items():
            names[action_name(action)] = None
            for label in labels:
                names[conjunct_name(action, label, "true")] = None
                names[conjunct_name(action, label, "false")] = None
        for goal in ground.goals:
            names[f"goal {goal.name}"] = None
    return tuple(names)


def action_name(action: str) -> str:
    """`action allocate`."""
    return f"action {action}"


def conjunct_name(action: str, label: str, way: str) -> str:
    """`false allocate: a primary block is free`."""
    return f"{way} {action}: {label}"
