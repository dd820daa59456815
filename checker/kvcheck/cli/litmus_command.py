"""`kvproof litmus`: each litmus program on a device, what it ended in against what is allowed.

It decides which programs run and what their results are called; the programs, and what they may
end in, are `kvcheck.litmus`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict

if TYPE_CHECKING:
    from kvcheck.litmus import Litmus, Program, Seen


@click.command("litmus")
@click.option(
    "--device",
    type=click.Choice(["sim", "cuda"]),
    default="sim",
    show_default=True,
    help="sim: under every order; cuda: free-running, a hundred times.",
)
@click.option(
    "--gated", "is_gated", is_flag=True, help="On cuda: force each allowed outcome by gates, too."
)
@shared_options
def command(settings: Settings, *, device: str, is_gated: bool) -> Exit:
    """Run the litmus programs of stream order: is what is seen what CUDA permits?

    Prints of each its allowed and its seen outcomes, and whether a race was reported; with --gated
    also those that were reached by gates, each of which must be reached.
    """
    if is_gated:
        from kvcheck.cli.litmus_gated import gated_command

        return gated_command(settings, device)
    from kvcheck.cli.accounts import Accounts, close_books
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import now
    from kvcheck.litmus.notation import written_outcome

    selected = chosen(settings)
    tests = [held_to(device, test) for test in selected]
    see = runner(device)
    began = now()
    accounts, rows = Accounts(), []
    for test in tests:
        if is_over(settings, now() - began):
            result, seen = not_run(test, device), None
        else:
            before = now()
            seen = see(test.program)
            result = judged(test, seen, device, now() - before)
        required = Evidence.EXHAUSTED if device == "sim" else Evidence.OBSERVED
        accounts.add([result], required)

        def text(outcomes: frozenset[tuple[int, ...]], test: Litmus = test) -> str:
            return " ".join(written_outcome(test.program, o) for o in sorted(outcomes))

        races = "not seen here" if seen is None or seen.is_racy is None else str(seen.is_racy)
        seen_text = text(seen.outcomes) if seen else "-"
        verdict = result.verdict
        rows.append((test.name, text(test.allowed), seen_text, races, verdict.outcome.value))
    out = Output()
    out.table(("test", "allowed", "seen", "race", "verdict"), rows)
    held = sum(r.verdict.outcome is Outcome.HOLDS for r in accounts.results)
    out.line(f"{held} of {len(tests)} litmus programs hold on {device}")
    given = click.get_current_context().params
    return close_books(accounts, settings, command=["litmus"], options=given)


def chosen(settings: Settings) -> list[Litmus]:
    """The programs that are selected, all without --select. Raises: Fault."""
    from kvcheck.cli.choose import select
    from kvcheck.litmus import SUITE

    names = {test.name: test for test in SUITE.values()}
    return [names[name] for name in select(tuple(names), settings.select, what="litmus program")]


def is_over(settings: Settings, seconds: float) -> bool:
    """Whether the budget is spent."""
    return settings.budget_seconds is not None and seconds >= settings.budget_seconds


def held_to(device: str, test: Litmus) -> Litmus:
    """The test as it is on the device."""
    if device == "sim":
        return test
    from kvcheck.litmus.on_cuda import as_on_cuda

    return as_on_cuda(test)


def runner(device: str) -> Callable[[Program], Seen]:
    """What runs a program on the device. Raises: Fault, where there is none."""
    if device == "sim":
        from kvcheck.litmus import on_sim

        return on_sim
    from kvcheck.litmus.on_cuda import NoCudaDevice, cuda_devices, on_cuda

    try:
        make = cuda_devices()
    except NoCudaDevice as absent:
        raise no_gpu(absent) from absent
    return lambda program: on_cuda(program, make)


def no_gpu(absent: Exception) -> Fault:
    """What was asked for is not here; nothing was run."""
    cause, _, mend = str(absent).rpartition(". ")  # its last sentence says what to do
    return Fault(
        "No litmus program was run.", cause=f"{cause}.", mend=mend, code=Exit.ENVIRONMENT_ABSENT
    )


def judged(test: Litmus, seen: Seen, device: str, seconds: float) -> ObligationResult:
    """Seen outside of allowed, or a race where none is, violates; what is missing violates on sim
    once every order was run."""
    strange = seen.outcomes - test.allowed
    missing = test.allowed - seen.outcomes if seen.is_complete else frozenset()
    races = seen.is_racy is not None and seen.is_complete and seen.is_racy is not test.is_racy
    why = [f"seen and not allowed: {sorted(strange)}"] if strange else []
    why += [f"allowed and not reached: {sorted(missing)}"] if missing else []
    why += [f"race reported: {seen.is_racy}, expected {test.is_racy}"] if races else []
    bound = f"{seen.runs} runs on {device}"
    if why:
        verdict = Verdict(Outcome.VIOLATED, Evidence.NONE, bound, "; ".join(why))
    elif device == "sim" and not seen.is_complete:
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, "the runs' budget ran out")
    else:
        evidence = Evidence.EXHAUSTED if seen.is_complete else Evidence.OBSERVED
        verdict = Verdict(Outcome.HOLDS, evidence, bound)
    return ObligationResult(f"litmus/{device}/{test.name}", verdict, seconds)


def not_run(test: Litmus, device: str) -> ObligationResult:
    """The budget ran out before the program's turn."""
    verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "no runs", "the budget ran out")
    return ObligationResult(f"litmus/{device}/{test.name}", verdict, 0.0)
