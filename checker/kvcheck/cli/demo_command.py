"""`kvproof demo`: a real bug in a design and in a running manager, and both without it.

It decides which bugs, design and runs a newcomer meets first. It passes only if every wrong one is
caught and every right one holds.
"""

from __future__ import annotations

import click

from kvcheck.cli.output import Output
from kvcheck.cli.progress import Ticker
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.fuzz.case import Case
from kvcheck.verdict import Evidence, Exit, Outcome

BUG, DESIGN = "s1-1", "tiers"
RIGHT = "blocks"
ORDERS_MAX = 2_000
RUNS = 300


@click.command("demo")
@shared_options
def command(settings: Settings) -> Exit:
    """Refute the order of TensorRT-LLM issue #11879, prove the corrected one, and run both."""
    from kvcheck.cli.searching import now

    out, ticker = Output(), Ticker(settings.voice, clock=now)
    out.line("1. The order that shipped, searched for its shortest failure", style="bold")
    out.line()
    is_refuted = _refute(settings, out, ticker)
    out.line()
    out.line("2. The corrected order, proved", style="bold")
    out.line()
    is_proved = _prove(settings, out, ticker)
    out.line()
    out.line("3. The same order in a running manager, judged step by step", style="bold")
    out.line()
    is_refused = _refuse(out)
    out.line()
    out.line("4. Right books, wrong bytes", style="bold")
    out.line()
    is_witnessed = _witness(out)
    out.line()
    out.line("5. The right manager, fuzzed", style="bold")
    out.line()
    is_right = _fuzz_the_right_one(settings, out)
    out.line()
    out.line(
        "Next: kvproof list; kvproof prove; kvproof bugs --select S1; kvproof fuzz --budget 1m"
    )
    if not (is_refuted and is_refused and is_witnessed):
        out.line("A planted bug was not caught: that is a fault of kvproof.", style="red")
        return Exit.TOOL_FAULT
    return Exit.OK if is_proved and is_right else Exit.INCONCLUSIVE


def _refute(settings: Settings, out: Output, ticker: Ticker) -> bool:
    from kvcheck.cli.choose import choose
    from kvcheck.cli.runs import keep_record
    from kvcheck.cli.searching import search
    from kvcheck.explore.options import Options
    from kvcheck.report.html import render_html
    from kvcheck.trace.atomic import write_atomically

    found = search(choose(BUG, ()), Options(threads=settings.jobs), ticker)
    for record in found.records[:1]:
        path = keep_record(settings.runs_dir, record)
        page = path.with_suffix(".html")
        write_atomically(page, render_html(record).encode())
        out.story(record)
        out.line(f"Step through it in a browser: {page}")
    return bool(found.records)


def _prove(settings: Settings, out: Output, ticker: Ticker) -> bool:
    from kvcheck.cli.choose import choose
    from kvcheck.cli.effort import Effort
    from kvcheck.cli.prove_command import open_cache
    from kvcheck.cli.prove_report import headline
    from kvcheck.cli.proving import prove_target, raise_faults

    cache = open_cache(settings)
    effort = Effort(jobs=settings.jobs, seed=settings.seed)
    proof = prove_target(choose(DESIGN, ()), effort, cache=cache, ticker=ticker)
    if cache:
        cache.close()
    raise_faults(proof)
    out.line(headline(proof, proof.results))
    every = sum(r.verdict.evidence is Evidence.PROVED for r in proof.results)
    out.line(
        f"{every} obligations hold for every size of the pool; the other checks say that they are "
        "about something."
    )
    return all(r.verdict.outcome is Outcome.HOLDS for r in proof.results)


def _refuse(out: Output) -> bool:
    from kvcheck.fuzz.runner import run_case
    from kvcheck.fuzz.showcase import WRONG_QUEUE

    failure = run_case(WRONG_QUEUE).failure
    if failure is None:
        return False
    _say(out, failure.words)
    out.line()
    return failure.kind == "refused" and _right_one_runs_through(WRONG_QUEUE, out)


def _witness(out: Output) -> bool:
    from functools import partial

    from kvcheck.fuzz.looks import Look
    from kvcheck.fuzz.runner import run_case
    from kvcheck.fuzz.showcase import WRONG_BYTES, orders_until_witness

    first = run_case(WRONG_BYTES).failure
    if first is None or first.kind != "refused":
        return False
    out.line(f"{WRONG_BYTES.manager}, under the order that hides it best, a synchronous device:")
    _say(out, first.words)
    out.line()
    by_bytes = partial(run_case, looks=frozenset({Look.PAYLOAD}))
    count, ran = orders_until_witness(WRONG_BYTES, by_bytes, most=ORDERS_MAX)
    if ran.failure is None or not ran.failure.witness:
        return False
    out.line(f"The bytes alone say so too, in order {count} of those drawn: {ran.line}")
    out.line(ran.failure.witness)
    out.line()
    return _right_one_runs_through(WRONG_BYTES, out)


def _right_one_runs_through(case: Case, out: Output) -> bool:
    from msgspec.structs import replace

    from kvcheck.fuzz.runner import run_case

    ran = run_case(replace(case, manager=RIGHT))
    _say(
        out,
        f"The right manager, same calls: {ran.steps} judged steps, "
        + ("no failure." if ran.failure is None else f"and {ran.failure.words}"),
    )
    return ran.failure is None


def _fuzz_the_right_one(settings: Settings, out: Output) -> bool:
    from kvcheck.fuzz.campaign import Plan, fuzz
    from kvcheck.fuzz.runner import run_case
    from kvcheck.fuzz.shrink import shrink

    plan = Plan(seed=settings.seed, runs_max=RUNS)
    campaign = fuzz(
        plan,
        run=run_case,
        shrink=shrink,
        keep=lambda case, ran: None,
        is_time_up=lambda: False,
        is_interrupted=lambda: False,
    )
    actions, all_actions = campaign.met("action")
    out.line(
        f"{campaign.runs} drawn runs of the right manager, {campaign.steps:,} judged steps, "
        f"{campaign.state_count:,} states and {actions} of {all_actions} actions of its design: "
        f"{len(campaign.found) or 'no'} failures."
    )
    for found in campaign.found:
        _say(out, found.failure.words)
    return not campaign.found and campaign.runs == RUNS


def _say(out: Output, words: str) -> None:
    for line in words.splitlines():
        out.line(line)
