"""A search told on stdout: the verdict with its bound first, then what it covered, then the story.

It decides the order and the words around a search's numbers; the story of a run is `report`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from kvcheck.cli.accounts import Accounts, close_books
from kvcheck.cli.choose import select
from kvcheck.cli.output import Output
from kvcheck.cli.quantities import render_bytes, render_seconds
from kvcheck.cli.runs import keep_record
from kvcheck.cli.searching import Search
from kvcheck.cli.settings import Settings
from kvcheck.explore.result import ExploreResult, why_stopped
from kvcheck.report.verdicts import verdict_text, weakest
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome


def report_search(search: Search, settings: Settings, options: Mapping[str, object]) -> Exit:
    """Print the search, keep its records, write what was asked for; the exit code."""
    out = Output()
    chosen = selected(search, settings)
    accounts = Accounts(is_interrupted=search.is_interrupted)
    accounts.add(chosen, Evidence.EXHAUSTED)
    accounts.searches.append(numbers(search))
    out.line(headline(search, chosen), style="bold")
    print_extent(out, search.result)
    for result in chosen:
        if result.verdict.outcome not in (Outcome.HOLDS, Outcome.INCONCLUSIVE):
            out.line(
                f"  {result.id.split('/', 2)[2]}: {verdict_text(result.verdict)}{_detail(result)}",
                style="red",
            )
    print_coverage(out, search.result)
    for number, record in enumerate(search.records):
        path = keep_record(settings.runs_dir, record)
        accounts.records.append(path)
        out.line()
        if number == 0:
            out.story(record)
            out.line(f"As a page: kvproof explain {path} --html {path.with_suffix('.html')}")
        else:
            out.line(f"{record.sentence}  kvproof explain {path}")
    return close_books(accounts, settings, command=["explore", search.target.name], options=options)


def selected(search: Search, settings: Settings) -> tuple[ObligationResult, ...]:
    """The obligations that `--select` names, by the last part of their ids; all without it."""
    by_name = {o.id.split("/", 2)[2]: o for o in search.obligations}
    names = select(tuple(by_name), settings.select, what="obligation")
    return tuple(by_name[name] for name in names)


def headline(search: Search, chosen: tuple[ObligationResult, ...]) -> str:
    """`pool: holds: exhausted, P=2, S=2, 12,345 states, depth 21`."""
    result = search.result
    name = search.target.name
    extent = f"{result.sentence()} ({render_seconds(result.seconds)})"
    if not chosen:
        return f"{name}: nothing to check, {search.target.size_text}, {extent}"
    verdict = weakest(chosen).verdict
    match verdict.outcome:
        case Outcome.HOLDS:
            return f"{name}: {verdict_text(verdict)}, {extent}"
        case Outcome.VIOLATED:
            return f"{name}: violated, {search.target.size_text}, {extent}"
        case outcome:
            return f"{name}: {outcome.value}, {search.target.size_text}: {why_stopped(result)}"


def print_extent(out: Output, result: ExploreResult) -> None:
    """What the search ran on and what it never met."""
    per_state = f", {render_bytes(result.bytes_per_state)} a state"
    symmetry = ", counted up to renaming" if result.symmetry else ""
    threads = f", {result.threads} threads" if result.threads > 1 else ""
    ran = f"{result.transitions:,} transitions, {result.engine} engine"
    out.line(f"  {ran}{threads}{per_state}{symmetry}", style="dim")
    if result.engine_note:
        out.line(f"  note: {result.engine_note}", style="yellow")
    if result.complete:
        for action in result.actions_never_enabled:
            out.line(f"  note: the action {action} is never enabled", style="yellow")


def print_coverage(out: Output, result: ExploreResult) -> None:
    """How often each action was enabled and each guard conjunct was true and false."""
    if not result.conjuncts:
        return
    enabled = {count.action: f"{count.enabled:,}" for count in result.actions}
    rows = [
        [c.action, enabled.get(c.action, ""), c.require.label]
        + [f"{n:,}" for n in (c.true, c.false, c.not_reached)]
        for c in result.conjuncts
    ]
    with_guards = {c.action for c in result.conjuncts}
    rows += [[a, n, "(no guard)", "", "", ""] for a, n in enabled.items() if a not in with_guards]
    out.line()
    out.table(["action", "enabled", "guard conjunct", "true", "false", "not reached"], rows)


def numbers(search: Search) -> dict[str, object]:
    """The search's figures for `result.json`."""
    result = search.result
    return {
        "machine": search.target.name,
        "sizes": dict(search.target.sizes),
        "stopped": result.stopped.value,
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "levels": list(result.levels),
        "engine": result.engine,
        "threads": result.threads,
        "symmetry": result.symmetry,
        "seconds": round(result.seconds, 3),
        "cpu_seconds": round(result.cpu_seconds, 3),
        "bytes_per_state": round(result.bytes_per_state, 1),
        "actions": {c.action: {"enabled": c.enabled} for c in result.actions},
        "goals_unreached": list(result.goals_unreached),
    }


def _detail(result: ObligationResult) -> str:
    return f" ({result.detail})" if result.detail else ""
