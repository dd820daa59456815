"""`kvproof serve`: cached blocks that other processes may find, pin, read and let go.

It decides where the service listens, for how long, and what is said at its beginning and end; the
service is `kvimpl.service`'s, what it serves `kvcheck.serving`'s.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kvcheck.cli.faults import Fault
from kvcheck.cli.quantities import DURATION, render_seconds
from kvcheck.verdict import Exit

if TYPE_CHECKING:
    from kvcheck.cli.output import Output
    from kvcheck.serving import CurveKeys, Serving

KEYS = ("alpha", "beta", "gamma")
PORT_MAX = 65535


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, PORT_MAX),
    default=0,
    show_default=True,
    help="0: any that is free.",
)
@click.option("--key", "keys", multiple=True, default=KEYS, help="A cached block; repeatable.")
@click.option("--lease", type=DURATION, default=10.0, show_default=True, help="How long a pin is.")
@click.option("--remote", is_flag=True, help="Other machines may reach it; needs --curve.")
@click.option("--curve", is_flag=True, help="Only who has the public key, printed, is answered.")
@click.option("--budget", type=DURATION, help="Stop after this time, as 90s or 10m.")
def command(
    *,
    host: str,
    port: int,
    keys: tuple[str, ...],
    lease: float,
    remote: bool,
    curve: bool,
    budget: float | None,
) -> Exit:
    """Serve one cached block a key, out of this machine's memory, until Ctrl-C or a polite kill.

    A client (`kvimpl.service.PinClient`) pins a block by its key, reads it and lets go; a client
    that does not come back loses its pins when their lease is over. docs/service.md has a client.
    """
    from kvcheck.cli.output import Output
    from kvcheck.cli.searching import interruptible, now

    if remote and not curve:
        raise Fault(
            f"--remote without --curve would answer anybody who reaches {host}.",
            cause="Whoever is answered reads cached blocks, and keeps memory of this machine.",
            mend="Add --curve and hand out the key that it prints, or leave out --remote.",
        )
    if "" in keys:
        raise Fault(
            "A key of no letters was given (--key '').",
            cause="A variable of the shell was empty, most likely.",
            mend="Give each --key at least one letter.",
        )
    out = Output()
    began = now()
    with interruptible() as interrupted:
        made, pair = _listening(host, port, keys, lease, remote, curve)
        try:
            _announce(out, made, pair, lease)
            made.server.serve(
                lambda: interrupted() or (budget is not None and now() - began >= budget)
            )
        finally:
            out_count = made.close()
    leases = "1 lease was" if out_count == 1 else f"{out_count} leases were"
    out.line(f"stopped after {render_seconds(now() - began)}; {leases} out and let go")
    return Exit.OK


def _listening(
    host: str, port: int, keys: tuple[str, ...], lease: float, remote: bool, curve: bool
) -> tuple[Serving, CurveKeys | None]:
    from kvcheck.cli.searching import now

    try:
        from kvcheck import serving as room
    except ModuleNotFoundError as error:
        raise Fault(
            f"The pin service cannot run: there is no module {error.name}.",
            cause="It comes with the extra `service`, which was not installed.",
            mend="pip install 'kvproof[service]', or in a checkout: .venv/bin/pip install pyzmq",
            code=Exit.ENVIRONMENT_ABSENT,
        ) from error
    try:
        pair = room.CurveKeys.new() if curve else None
        made = room.serving(
            [key.encode(errors="surrogateescape") for key in keys],
            clock=now,
            lease_seconds=lease,
            host=host,
            port=port,
            remote=remote,
            curve=pair,
        )
    except room.AddressNotLoopback as error:
        raise Fault(
            f"{host} is not an address that only this machine reaches, and --remote was not given.",
            cause="Whoever is answered reads cached blocks, and keeps memory of this machine; a "
            "name may come to mean any address.",
            mend="Use --host 127.0.0.1, or give --remote and --curve.",
        ) from error
    except room.CurveAbsent as error:
        raise Fault(str(error), cause="", mend="", code=Exit.ENVIRONMENT_ABSENT) from error
    except (room.PortTaken, room.BlockError, ValueError) as error:
        raise Fault(str(error), cause="", mend="") from error
    return made, pair


def _announce(out: Output, made: Serving, pair: CurveKeys | None, lease: float) -> None:
    """Flushed, since whoever started it in a pipe waits for the address."""
    from kvcheck.serving import SLOT_BYTES, content_of

    out.line(f"listening at {made.server.address}; a pin lasts {render_seconds(lease)}")
    if pair is not None:
        out.line(f"public key: {pair.public.decode()}")
    rows = [
        [
            key.decode(errors="backslashreplace"),
            f"{SLOT_BYTES} bytes of {content_of(number)[:1].decode()!r}",
        ]
        for number, key in enumerate(made.keys)
    ]
    out.table(["cached key", "content"], rows)
    sys.stdout.flush()
