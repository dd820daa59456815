"""`kvproof litmus --device cuda --gated`: is each allowed outcome reached where gates force it?

It decides what a program's outcomes come to, free-running and forced, and what is left out; how an
order is forced is `kvcheck.litmus.gated`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.litmus_command import chosen, is_over, no_gpu, not_run, runner
from kvcheck.cli.settings import Settings
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict

if TYPE_CHECKING:
    from kvcheck.litmus import Litmus, Seen
    from kvcheck.litmus.gated import Gated, Make

HEADER = ("test", "allowed", "seen", "by gates", "kept", "verdict")


def gated_command(settings: Settings, device: str) -> Exit:
    """Run the selected programs free and forced, and print both."""
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import now
    from kvcheck.litmus.gated import is_forcible
    from kvcheck.litmus.on_cuda import as_on_cuda

    if device != "cuda":
        raise Fault(
            "--gated forces orders upon a CUDA device, and the device is sim.",
            cause="On sim every order is run as it is.",
            mend="Add --device cuda, or leave --gated out.",
        )
    selected = chosen(settings)
    tests = [test for test in selected if is_forcible(test.program)]
    free, make = (runner("cuda"), maker()) if tests else (None, None)
    began = now()
    accounts = Accounts()
    rows: list[tuple[str, ...]] = []
    for test in tests:
        before = now()
        if free is None or make is None or is_over(settings, before - began):
            result = not_run(test, "cuda gated")
            rows.append((test.name, text(test, test.allowed), "-", "-", "-", "inconclusive"))
        else:
            seen, forced = free(test.program), in_order(test, make)
            verdict = judged(test, as_on_cuda(test), seen, forced)
            result = ObligationResult(f"litmus/cuda gated/{test.name}", verdict, now() - before)
            sets = (test.allowed, seen.outcomes, forced.reached, forced.kept)
            rows.append((test.name, *(text(test, found) for found in sets), verdict.outcome.value))
        accounts.add([result], Evidence.OBSERVED)
    out = Output()
    out.table(HEADER, rows)
    held = sum(r.verdict.outcome is Outcome.HOLDS for r in accounts.results)
    out.line(f"{held} of {len(tests)} litmus programs hold on cuda, with their orders forced")
    left_out = [test.name for test in selected if test not in tests]
    if left_out:
        out.line(
            f"left out: {', '.join(left_out)}. Whether pageable memory is read late is the "
            "device's choice, and no order's; run them without --gated."
        )
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["litmus"], options=given)


def maker() -> Make:
    """What makes gated devices. Raises: Fault, where there is no GPU."""
    from kvcheck.litmus.gated import gated_devices
    from kvcheck.litmus.on_cuda import NoCudaDevice

    try:
        return gated_devices()
    except NoCudaDevice as absent:
        raise no_gpu(absent) from absent


def in_order(test: Litmus, make: Make) -> Gated:
    """The program, forced. Raises: Fault, where an order could not be."""
    from kvcheck.litmus.gated import GateFault, gated

    try:
        return gated(test.program, make)
    except GateFault as fault:
        raise Fault(
            f"{test.name}: an order of sim could not be forced on cuda.",
            cause=str(fault)[:1].upper() + str(fault)[1:],
            mend="Without --gated it runs in an order of the device's own.",
            code=Exit.TOOL_FAULT,
        ) from fault


def text(test: Litmus, outcomes: frozenset[tuple[int, ...]]) -> str:
    """Outcomes as the suite writes them."""
    from kvcheck.litmus.notation import written_outcome

    return " ".join(written_outcome(test.program, o) for o in sorted(outcomes)) or "-"


def judged(test: Litmus, hardware: Litmus, seen: Seen, forced: Gated) -> Verdict:
    """Anything outside of allowed violates, and so does an order that does not end as it must.

    `hardware` is the test as free-running hardware is held to it.
    """
    strange = (seen.outcomes - hardware.allowed) | (forced.reached - test.allowed)
    missing = test.allowed - forced.reached - forced.kept
    why = [f"seen and not allowed: {text(test, strange)}"] if strange else []
    why += [
        f"an order that must end in {text(test, frozenset({wanted}))} ended in "
        f"{text(test, frozenset({got}))}"
        for wanted, got in forced.missed
    ]
    why += [f"allowed and never forced: {text(test, missing)}"] if missing else []
    orders = len(forced.pairs)
    bound = f"{seen.runs} runs on cuda, and {orders} order{'s'[: orders != 1]} forced by gates"
    if forced.kept:
        bound += f"; freed memory is kept, so {text(test, forced.kept)} has no order there"
    if why:
        return Verdict(Outcome.VIOLATED, Evidence.NONE, bound, "; ".join(why))
    if not forced.is_complete:
        reason = "the runs' budget on sim ran out"
        return Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, reason)
    return Verdict(Outcome.HOLDS, Evidence.OBSERVED, bound)
