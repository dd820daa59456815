"""`kvproof list`: what there is to check, by name, with its sizes.

It decides nothing; machines and bugs list themselves.
"""

from __future__ import annotations

import click

from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit


@click.command("list")
@shared_options
def command(settings: Settings) -> Exit:
    """List the machines, their right variants and the known bugs, with their sizes."""
    from kvcheck.cli.choose import choose, select
    from kvcheck.cli.output import Output
    from kvspec.bugs import BUGS
    from kvspec.models import MACHINES, VARIANTS

    machines = {**MACHINES, **VARIANTS}
    sentences = {name: (m.__doc__ or "").strip().split("\n")[0] for name, m in machines.items()}
    sentences |= {name: bug.sentence for name, bug in BUGS.items()}
    kinds = dict.fromkeys(MACHINES, "machine") | dict.fromkeys(VARIANTS, "variant")
    kinds |= dict.fromkeys(BUGS, "bug")
    names = select(tuple(sentences), settings.select, what="machine or bug")
    rows = [[name, kinds[name], choose(name, ()).size_text, sentences[name]] for name in names]
    Output().table(["name", "kind", "sizes", "what it is"], rows)
    return Exit.OK if rows else Exit.NOTHING_RAN
