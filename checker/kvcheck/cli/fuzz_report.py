"""A campaign told on stdout: verdict, findings, then what was reached and what was not.

It decides the words and the obligations around a campaign's numbers; the failure's own words come
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from kvcheck.cli.accounts import Accounts, close_books
from kvcheck.cli.output import Output
from kvcheck.cli.quantities import render_seconds
from kvcheck.cli.settings import Settings
from kvcheck.fuzz.campaign import Campaign, Ending, Found, Plan
from kvcheck.fuzz.unmet import UNMET
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict


def facts(campaign: Campaign, seconds: float) -> dict[str, str | int | float]:
    """The progress line of a campaign so far."""
    spent = max(seconds, 0.001)
    true, false = campaign.met("true"), campaign.met("false")
    return {
        "fuzzing": campaign.plan.manager,
        "runs": campaign.runs,
        "runs/s": round(campaign.runs / spent),
        "judged steps/s": round(campaign.steps / spent),
        "states": campaign.state_count,
        "actions": "{}/{}".format(*campaign.met("action")),
        "conjuncts": f"{true[0] + false[0]}/{true[1] + false[1]}",
        "goals": "{}/{}".format(*campaign.met("goal")),
        "findings": len(campaign.found),
        "seconds": round(seconds, 1),
    }


def report_campaign(
    campaign: Campaign,
    settings: Settings,
    *,
    seconds: float,
    notes: Sequence[str],
    options: Mapping[str, object],
) -> Exit:
    """Print the campaign and write what was asked for; the exit code."""
    accounts = Accounts(is_interrupted=campaign.ending is Ending.INTERRUPTED)
    accounts.add(obligations(campaign, seconds), Evidence.OBSERVED)
    accounts.records += list(dict.fromkeys(f.path for f in campaign.found if f.path))
    accounts.searches.append(numbers(campaign, seconds, notes))
    code = accounts.exit()
    out = Output()
    out.line(sentence(campaign, seconds, code), style="bold")
    for number, found in enumerate(campaign.found, start=1):
        _print_found(out, number, found, campaign.plan)
    for note in notes:
        out.line(f"note: {note}", style="yellow")
    if campaign.runs:
        out.line()
        out.table(["action or conjunct", "true in runs", "false in runs", "note"], rows(campaign))
        out.line()
        for name, reason in UNMET.items():
            out.line(f"never {name}. {reason}", style="dim")
    return close_books(accounts, settings, command=["fuzz", campaign.plan.manager], options=options)


def sentence(campaign: Campaign, seconds: float, code: Exit) -> str:
    """`blocks: holds: observed, 9,120 runs, 180,212 judged steps, 12,001 states (60 s).`"""
    extent = (
        f"{campaign.runs:,} runs, {campaign.steps:,} judged steps, {campaign.state_count:,} states"
        f" of the design, seed {campaign.plan.seed} ({render_seconds(seconds)})"
        f"{_blind(campaign)}"
    )
    count = len(campaign.found)
    match code:
        case Exit.INTERRUPTED:
            says = f"interrupted, partial result, {_classes(count)}"
        case Exit.VIOLATION:
            says = f"violated, {_classes(count)}"
        case Exit.NOTHING_RAN:
            says = "not run"
        case Exit.INCONCLUSIVE:
            says = f"inconclusive: {len(campaign.missing())} of what can be reached was not"
        case _:
            says = "holds: observed, no failure"
    return f"{campaign.plan.manager}: {says}, {extent}"


def obligations(campaign: Campaign, seconds: float) -> tuple[ObligationResult, ...]:
    """That no run fails, each class that did, and that each name was reached."""
    bound = (
        f"{campaign.runs} runs, {campaign.steps} judged steps, seed {campaign.plan.seed}"
        f"{_blind(campaign)}"
    )
    first = f"{campaign.plan.manager}/fuzz"

    def result(name: str, outcome: Outcome, reason: str = "", detail: str = "") -> ObligationResult:
        holds = outcome in (Outcome.HOLDS, Outcome.VIOLATED)
        evidence = Evidence.OBSERVED if holds else Evidence.NONE
        verdict = Verdict(outcome, evidence, bound, reason)
        return ObligationResult(f"{first}/{name}", verdict, seconds, detail=detail)

    if not campaign.runs:
        return (result("no run fails", Outcome.NOT_RUN, "no case was run"),)
    failed = [
        result(": ".join(found.failure.key), Outcome.VIOLATED, detail=found.failure.words)
        for found in campaign.found
    ]
    clean = [] if failed else [result("no run fails", Outcome.HOLDS)]
    missing = campaign.missing()
    reached = [
        result(f"reached/{name}", Outcome.HOLDS)
        if name not in missing
        else result(f"reached/{name}", Outcome.INCONCLUSIVE, "no run reached it")
        for name in campaign.wanted
        if name not in UNMET
    ]
    return (*failed, *clean, *reached)


def rows(campaign: Campaign) -> list[list[str]]:
    """The hit table: each action with its conjuncts below it, then the goals."""
    hits, table = campaign.hits, []
    pairs = [name.partition(" ")[::2] for name in campaign.wanted]
    conjuncts = [what for way, what in pairs if way == "true"]
    order = {what.partition(": ")[0]: n for n, what in reversed(list(enumerate(conjuncts)))}
    conjuncts.sort(key=lambda what: order[what.partition(": ")[0]])
    for action, labels in groupby(conjuncts, key=lambda what: what.partition(": ")[0]):
        name = f"action {action}"
        table.append([action, f"{hits.get(name, 0):,}", "", _note(campaign, name)])
        for what in labels:
            true, false = f"true {what}", f"false {what}"
            note = _note(campaign, true) or _note(campaign, false)
            counts = [f"{hits.get(true, 0):,}", f"{hits.get(false, 0):,}"]
            table.append([f"  {what.partition(': ')[2]}", *counts, note])
    for way, what in pairs:
        if way == "goal":
            name = f"goal {what}"
            table.append([f"goal {what}", f"{hits.get(name, 0):,}", "", _note(campaign, name)])
    return table


def numbers(campaign: Campaign, seconds: float, notes: Sequence[str]) -> dict[str, object]:
    """The campaign's figures for `result.json`."""
    return {
        "manager": campaign.plan.manager,
        "device": campaign.plan.device,
        "seed": campaign.plan.seed,
        "ending": campaign.ending.value,
        "runs": campaign.runs,
        "steps": campaign.steps,
        "states": campaign.state_count,
        "seeds": campaign.seed_count,
        "seconds": round(seconds, 3),
        "hits": {name: campaign.hits.get(name, 0) for name in campaign.wanted},
        "missing": list(campaign.missing()),
        "out_of_reach": dict(UNMET),
        "findings": [
            {
                "kind": found.failure.kind,
                "detail": found.failure.detail,
                "run": found.run,
                "file": None if found.path is None else str(found.path),
                "words": found.failure.words,
            }
            for found in campaign.found
        ],
        "notes": list(notes),
    }


def _blind(campaign: Campaign) -> str:
    """What no run of the campaign could show, to be said wherever its extent is."""
    return f"; {campaign.blind}" if campaign.blind else ""


def _print_found(out: Output, number: int, found: Found, plan: Plan) -> None:
    calls = sum(len(line) for line in found.case.tasks)
    order = f"in the order of {plan.device}" if plan.blind else found.case.order
    out.line()
    out.line(
        f"{number}. {found.failure.kind}: {found.failure.detail} (met in run {found.run:,}; the"
        f" smallest case has {calls} calls of {len(found.case.tasks)} tasks, {order})",
        style="red",
    )
    for line in found.failure.words.splitlines():
        out.line(f"   {line}")
    if found.path is not None:
        out.line(f"   Again: kvproof replay {found.path}")


def _note(campaign: Campaign, name: str) -> str:
    if campaign.hits.get(name):
        return ""
    if name in UNMET:
        return "cannot be, see below"
    return "NOT REACHED"


def _classes(count: int) -> str:
    return "no failure" if not count else f"{count} class{'es' if count > 1 else ''} of failure"
