"""`kvproof fuzz`: the block manager under its judge, for as long as there is budget.

It decides what a campaign is given (time, corpus, voice) and which device can run it; the campaign
is `kvcheck.fuzz`'s, and its words are `fuzz_report`'s.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault, nearest
from kvcheck.cli.quantities import DURATION
from kvcheck.cli.result_file import RESULT_FILE
from kvcheck.cli.settings import CacheUse, Settings, Voice
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.fuzz.campaign import Campaign, Keep, Plan
    from kvcheck.fuzz.case import Case, Ran
    from kvcheck.fuzz.cuda_site import CudaSite

BUDGET_DEFAULT = 60.0
CORPUS_DEFAULT = Path(".kvproof/corpus")


@click.command("fuzz")
@click.option(
    "--device",
    type=click.Choice(["sim", "cuda"]),
    default="sim",
    show_default=True,
    help="Where the manager runs.",
)
@click.option("--budget", type=DURATION, help="Stop after this time, as 90s or 10m; default 60s.")
@click.option("--seed", type=int, default=0, show_default=True, help="For what is drawn.")
@click.option("--runs", "runs_max", type=click.IntRange(min=0), help="Stop after this many runs.")
@click.option(
    "--manager",
    default="blocks",
    show_default=True,
    help="blocks, or a known bug of it, as `kvproof list` names them.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False),
    default=CORPUS_DEFAULT,
    show_default=True,
    help="Where failing cases are kept.",
)
@click.option("--json", "json_path", type=RESULT_FILE, help="Write the result.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    *,
    device: str,
    budget: float | None,
    seed: int,
    runs_max: int | None,
    manager: str,
    corpus: Path,
    json_path: Path | None,
    quiet: bool,
) -> Exit:
    """Run drawn cases of the block manager, each step judged by its design, and keep what fails.

    A case is calls of one scheduler and up to two readers, sizes, and an order in which the device
    works; a CUDA device has its own order. The run passes only if nothing failed and everything
    that can be reached was reached.
    """
    from kvcheck.cli.fuzz_report import report_campaign
    from kvcheck.fuzz.campaign import Plan
    from kvcheck.fuzz.site import SIM

    cuda = cuda_found() if device == "cuda" else None
    check_manager(manager)
    settings = Settings(
        budget_seconds=budget,
        seed=seed,
        jobs=1,
        select=(),
        json_path=json_path,
        junit_path=None,
        ledger_path=None,
        cache=CacheUse.OFF,
        voice=Voice.QUIET if quiet else Voice.NORMAL,
        runs_dir=corpus,
    )
    site = cuda or SIM
    plan = Plan(seed=seed, manager=manager, runs_max=runs_max, device=site.name, blind=site.blind)
    notes: list[str] = []
    campaign, seconds = run_campaign(plan, settings, keeper(corpus, notes), cuda=cuda)
    if cuda is not None and cuda.lost:
        notes.append(f"The campaign ended with its device. {cuda.lost}")
    options = {**click.get_current_context().params, "budget": seconds_of(settings, runs_max)}
    return report_campaign(campaign, settings, seconds=seconds, notes=notes, options=options)


def seconds_of(settings: Settings, runs_max: int | None) -> float | None:
    """The budget: as it was asked for, else none if runs are counted, else the default."""
    if settings.budget_seconds is None and runs_max is None:
        return BUDGET_DEFAULT
    return settings.budget_seconds


def run_campaign(
    plan: Plan, settings: Settings, keep: Keep, *, cuda: CudaSite | None = None
) -> tuple[Campaign, float]:
    """The campaign and its seconds; Ctrl-C or a polite kill ends it with what it has.

    So does the loss of the CUDA device that it is run on, where it is not run on sim.
    """
    from kvcheck.cli.fuzz_report import facts
    from kvcheck.cli.progress import Ticker
    from kvcheck.cli.searching import interruptible, now
    from kvcheck.fuzz.campaign import Ending, fuzz
    from kvcheck.fuzz.runner import run_case
    from kvcheck.fuzz.shrink import shrink, shrink_calls
    from kvcheck.lockstep.collector import rare_collections

    began, ticker = now(), Ticker(settings.voice, clock=now)
    budget = seconds_of(settings, plan.runs_max)

    def is_time_up() -> bool:
        is_lost = cuda is not None and bool(cuda.lost)
        return is_lost or (budget is not None and now() - began >= budget)

    try:
        with interruptible() as interrupted, rare_collections():
            campaign = fuzz(
                plan,
                run=run_case if cuda is None else partial(run_case, site=cuda),
                shrink=shrink if cuda is None else shrink_calls,
                keep=keep,
                is_time_up=is_time_up,
                is_interrupted=interrupted,
                tell=lambda so_far: ticker.tell(facts(so_far, now() - began)),
            )
    finally:
        ticker.done()
    if cuda is not None and cuda.lost:
        campaign.ending = Ending.LOST
    return campaign, now() - began


def keeper(folder: Path, notes: list[str]) -> Keep:
    """Keeps cases in the corpus; what cannot be kept becomes a note: it is a finding still."""
    from kvcheck.fuzz.corpus import Corpus, CorpusError
    from kvcheck.trace.atomic import WriteError

    corpus = Corpus(folder)

    def keep(case: Case, ran: Ran) -> Path | None:
        assert ran.failure is not None
        try:
            there = corpus.path_of(case.manager, ran.failure, device=ran.device)
            return corpus.add(case, ran) or there
        except (CorpusError, WriteError) as error:
            notes.append(str(error))
            return None

    return keep


def check_manager(name: str) -> None:
    """Raises: Fault, if there is no such manager."""
    from kvcheck.fuzz.runner import managers

    known = managers()
    if name not in known:
        raise Fault(
            f"There is no manager {name!r} to fuzz.",
            cause=nearest(name, known),
            mend="Name blocks, or a bug of kvimpl.bugs, with --manager.",
        )


def cuda_found(what: str = "A campaign") -> CudaSite:
    """This machine's GPU, for what was asked for. Raises: Fault, where there is none."""
    from kvcheck.fuzz.cuda_site import NoCudaDevice, cuda_site

    try:
        return cuda_site()
    except NoCudaDevice as absent:
        raise no_cuda(absent, what) from absent


def no_cuda(absent: Exception, what: str = "A campaign") -> Fault:
    """What was asked for is not here; nothing was run."""
    return Fault(
        f"{what} on a CUDA device was asked for (--device cuda), and nothing was run.",
        cause=f"{str(absent).partition(' (')[0]}.",  # without the loader's own sentences
        mend="Run with --device sim, or on a machine with a GPU and the extra 'cuda' installed.",
        code=Exit.ENVIRONMENT_ABSENT,
    )
