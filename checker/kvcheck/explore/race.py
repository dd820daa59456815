"""Which engine searches: Python at once, and the compiled one as soon as it is built.

It decides who goes on, never what is true: both engines count the same states and choose the same
runs. The compiler starts only once a search proves to be more than a blink, and is stopped when
Python is done first; the compiled engine then starts from the beginning, which costs it less than
taking over what Python has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from kvcheck.explore.cgen import source_of, unsuited
from kvcheck.explore.claim import Searched, Tally
from kvcheck.explore.csearch import CSearch
from kvcheck.explore.csymmetry import canonical_source
from kvcheck.explore.layout import Layout, LayoutError, layout_of
from kvcheck.explore.native import Build, NoCompiler, find_compiler
from kvcheck.explore.options import Coverage, Engine, Options
from kvcheck.explore.pygen import generate
from kvcheck.explore.pysearch import GIVE_WAY, PySearch
from kvcheck.explore.result import Stopped
from kvcheck.explore.sites import Sites
from kvcheck.explore.symmetry import Symmetry
from kvspec.lang.ir import Model
from kvspec.lang.state import State

Ask: TypeAlias = Callable[[str, Tally, int], Stopped | None]

BUILD_AFTER_STATES = 3_000
BUILD_AFTER_SECONDS = 0.5
"""Below both the compiler is not even started: the search may be over by then."""

WAIT_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be searched, and how."""

    model: Model
    sites: Sites
    options: Options
    starts: list[State]
    symmetry: Symmetry | None


@dataclass(frozen=True, slots=True)
class Run:
    """How an engine's search ended; `note` says why the compiled engine did not do it, or ""."""

    searched: Searched
    engine: str
    note: str


class _Companion:
    """The compiled engine in the making, beside a running Python search."""

    def __init__(self, task: Task) -> None:
        self.task, options = task, task.options
        self.note = "" if options.engine is not Engine.PYTHON else "the Python engine was asked for"
        self.build: Build | None = None
        self.layout: Layout | None = None

    def start(self) -> None:
        """Start the compiler, or note why that is not possible."""
        if self.build or self.note:
            return
        try:
            task = self.task
            self.note = unsuited(task.model, task.sites)
            if not self.note:
                self.layout = layout_of(task.model)
                canonical = canonical_source(self.layout, task.symmetry) if task.symmetry else ""
                counted = task.options.coverage is Coverage.ON
                source = source_of(self.layout, task.sites, counted=counted, canonical=canonical)
                compiler = find_compiler(task.options.compiler)
                self.build = Build(source, compiler, task.options.cache_dir)
        except (NoCompiler, LayoutError) as error:
            self.note = str(error)

    def wait(self, ask: Ask, tally: Tally) -> Stopped | None:
        """Wait for the compiler; why not to wait longer, if there is a reason."""
        try:
            while self.build and not self.build.ready():
                if reason := ask("compiler", tally, 0):
                    return reason
                time.sleep(WAIT_SECONDS)
        except KeyboardInterrupt:
            return Stopped.INTERRUPTED
        return None

    def search(self) -> CSearch | None:
        """The compiled engine, once built; None with a note if there will be none."""
        if self.build is None or self.layout is None:
            return None
        try:
            return CSearch(self.build.library(), self.layout, self.task.sites, self.task.options)
        except (NoCompiler, OSError, MemoryError) as error:
            self.note = str(error)
            return None

    def close(self) -> None:
        """Stop what still runs."""
        if self.build:
            self.build.close()


def run(task: Task, ask: Ask) -> Run:
    """Search with the engines that the options allow."""
    companion = _Companion(task)
    try:
        first = Searched(_nothing(task), None, (), ())
        if task.options.engine is Engine.COMPILED:
            companion.start()
        else:
            first = _python(task, ask, companion)
        if first.stopped is not None:
            return Run(first, "python", companion.note)
        if reason := companion.wait(ask, first.tally):
            return Run(replace(first, stopped=reason), "python", "the compiler was not done yet")
        if search := companion.search():
            return _compiled(search, task, ask)
        return Run(_python(task, ask, companion), "python", companion.note)
    finally:
        companion.close()


def _nothing(task: Task) -> Tally:
    counts = [0] * (2 * len(task.sites.requires))
    return Tally(enabled=[0] * len(task.model.actions), counts=counts)


def _compiled(search: CSearch, task: Task, ask: Ask) -> Run:
    try:
        searched = search.run(task.starts, lambda tally, queue: ask("compiled", tally, queue))
    finally:
        search.close()
    return Run(searched, "compiled", "")


def _python(task: Task, ask: Ask, companion: _Companion) -> Searched:
    options, symmetry = task.options, task.symmetry
    begun = options.clock()

    def pause(tally: Tally, queue: int) -> Stopped | str | None:
        took = options.clock() - begun
        if tally.states >= BUILD_AFTER_STATES or took >= BUILD_AFTER_SECONDS:
            companion.start()
        build = companion.build if not companion.note else None
        if build is not None and build.ready():
            return GIVE_WAY
        if tally.states >= options.python_states_max:
            return Stopped.MEMORY if build is None else GIVE_WAY
        return ask("python", tally, queue)

    def canonical(state: State) -> State:
        assert symmetry is not None
        return symmetry.canonical(state)[0]

    code = generate(task.model, task.sites, counted=options.coverage is Coverage.ON)
    search = PySearch(
        code,
        task.sites,
        options,
        task.starts,
        ask=pause,
        canonical=canonical if symmetry else None,
    )
    return search.run()
