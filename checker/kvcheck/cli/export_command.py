"""`kvproof export`: a machine for another checker, so that it can disagree with us.

It decides where the files go; the translation is `kvcheck.export`.
"""

from __future__ import annotations

from pathlib import Path

import click

from kvcheck.cli.quantities import SIZE
from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit


@click.command("export")
@click.argument("machine")
@click.option("--size", "sizes", type=SIZE, multiple=True, help="A size, as P=2; repeatable.")
@click.option(
    "--tla",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder for the TLA+ module and its configuration.",
)
@shared_options
def command(
    settings: Settings, *, machine: str, sizes: tuple[tuple[str, int], ...], folder: Path
) -> Exit:
    """Write MACHINE at its sizes as a TLA+ module and a TLC configuration."""
    from kvcheck.cli.choose import choose
    from kvcheck.cli.output import Output
    from kvcheck.export import export_tla
    from kvcheck.trace.atomic import write_atomically

    module = export_tla(choose(machine, sizes).model())
    out = Output()
    for path, text in (
        (folder / f"{module.name}.tla", module.text),
        (folder / f"{module.name}.cfg", module.cfg),
    ):
        write_atomically(path, text.encode())
        out.line(str(path))
    out.line(f"Check it: java -jar tla2tools.jar -config {module.name}.cfg {module.name}.tla")
    return Exit.OK
