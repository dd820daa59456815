"""`kvproof demo`: a real bug refuted, then the corrected design proved.

It decides which bug and which design a newcomer meets first. It passes only if both happen.
"""

from __future__ import annotations

import click

from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Evidence, Exit, Outcome

BUG, DESIGN = "s1-1", "tiers"


@click.command("demo")
@shared_options
def command(settings: Settings) -> Exit:
    """Refute the wrong order of TensorRT-LLM issue #11879 and prove the corrected one."""
    from kvcheck.cli.choose import choose
    from kvcheck.cli.effort import Effort
    from kvcheck.cli.output import Output
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.prove_command import open_cache
    from kvcheck.cli.prove_report import headline
    from kvcheck.cli.proving import prove_target, raise_faults
    from kvcheck.cli.runs import keep_record
    from kvcheck.cli.searching import now, search
    from kvcheck.explore.options import Options
    from kvcheck.report.html import render_html
    from kvcheck.trace.atomic import write_atomically

    out, ticker = Output(), Ticker(settings.voice, clock=now)
    out.line("1. The order that shipped, searched for its shortest failure", style="bold")
    out.line()
    found = search(choose(BUG, ()), Options(threads=settings.jobs), ticker)
    for record in found.records[:1]:
        path = keep_record(settings.runs_dir, record)
        page = path.with_suffix(".html")
        write_atomically(page, render_html(record).encode())
        out.story(record)
        out.line(f"Step through it in a browser: {page}")
    out.line()
    out.line("2. The corrected order, proved", style="bold")
    out.line()
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
    out.line()
    out.line("Next: kvproof list; kvproof prove; kvproof bugs --select S1")
    is_proved = all(r.verdict.outcome is Outcome.HOLDS for r in proof.results)
    if not found.records:
        return Exit.TOOL_FAULT
    return Exit.OK if is_proved else Exit.INCONCLUSIVE
