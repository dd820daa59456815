"""A run as one self-contained page: no network, no build step, nothing but this file.

It decides nothing about the run: `story` says what is told and `frames` what is drawn. Every
moment is in the page as plain HTML, so that it prints, and reads without scripts; the script only
shows one moment at a time. The template escapes every value, and the page forbids itself any
request.
"""

from __future__ import annotations

from importlib.resources import files

import jinja2

from kvcheck.report.cells import describe_change
from kvcheck.report.frames import frames, legend
from kvcheck.report.story import call, tell
from kvcheck.trace.record import RunRecord

TICKS_WITH_NAMES_MAX = 14


def render_html(record: RunRecord) -> str:
    """The page; same record, same bytes."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["call"] = call
    environment.globals["describe_change"] = describe_change
    page = files("kvcheck.report").joinpath("templates/run.html.j2").read_text(encoding="utf-8")
    return environment.from_string(page).render(
        record=record,
        story=tell(record),
        frames=frames(record),
        legend=legend(record),
        has_names=len(record.steps) <= TICKS_WITH_NAMES_MAX,
    )
