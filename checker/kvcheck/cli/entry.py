"""The entry point: which command runs, and what every ending becomes for the shell.

It decides exit codes for endings that are not results: a wrong word, an interruption, a fault of
our own. A command's module is imported only when that command runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from kvcheck.cli.faults import Fault, nearest
from kvcheck.verdict import Exit

COMMANDS = {
    "explore": "Search every state of a machine; the shortest counterexample if there is one.",
    "prove": "Prove the invariants of machines, for every size where the language allows.",
    "live": "Does every fair run of a machine keep its promises? Else the shortest way to a loop.",
    "refine": "Search a design with the contract beside it: is each step a step of the contract?",
    "fuzz": "Run the block manager under its judge, case after drawn case, and keep what fails.",
    "explain": "Retell a run record, or a machine's shortest counterexample, in words and pages.",
    "bugs": "The kill matrix: each known bug against each engine.",
    "replay": "Run a failing case that the fuzzer kept again, on its recorded schedule.",
    "execute": "Execute a known bug's design counterexample on the real manager, under its judge.",
    "abstract": "A failing case that the fuzzer kept, as a run of the design with the same bug.",
    "linear": "Threads that share one manager: is there an order of their calls that explains it?",
    "serve": "Cached blocks of this machine's memory, for other processes to pin and read.",
    "demo": "A real bug refuted and mended, in the design and in a running manager.",
    "litmus": "Small programs of stream order on a device: is what is seen what CUDA permits?",
    "watch": "A torch program of your own on a simulated GPU: its races and uses after free.",
    "list": "The machines and known bugs, with their sizes.",
    "export": "Write a machine as TLA+.",
    "doctor": "What this machine can check, and what not.",
}


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"kvcheck.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but an unknown name meets the nearest; the file's defaults come in here."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise Fault(
                f"There is no command {args[0]!r}.",
                cause=nearest(args[0], COMMANDS),
                mend="`kvproof --help` lists them.",
            )
        from kvcheck.cli.settings import default_map, file_defaults

        table = file_defaults(Path.cwd())
        if table:
            ctx.default_map = default_map(table, self)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their one line, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kvproof", prog_name="kvproof")
def group() -> None:
    """Model-check, prove and explain KV-cache block managers.

    Exit codes: 0 all held, 1 a violation, 2 interrupted, 3 fault of the tool, 4 usage, 5 nothing
    ran, 10 inconclusive, 11 environment absent.
    """


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an arrow must not stop a report
    try:
        code = group.main(args=list(arguments), prog_name="kvproof", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        _forget_stdout()
        return int(Exit.INTERRUPTED)
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted. Nothing was concluded. Run the same command again to start over.")
        return int(Exit.INTERRUPTED)
    except Fault as fault:
        _say(str(fault))
        return int(fault.code)
    except click.ClickException as error:
        _say(_usage(error))
        return int(Exit.USAGE)
    except Exception as error:  # the last line of defence: a crash must never look like a result
        return _crash(error, arguments)


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "kvproof"
    mend = f"`{command} --help` lists what there is."
    if isinstance(error, click.NoSuchOption):
        known = [o for p in context.command.params for o in p.opts] if context else []
        cause = nearest(error.option_name, known)
        return f"{command} has no option {error.option_name}. {cause} {mend}"
    said = error.format_message().removesuffix(".")
    return f"{said}. The command line is not complete, or a value is not of its kind. {mend}"


def _crash(error: Exception, arguments: Sequence[str]) -> int:
    from kvcheck.fuzz.corpus import CorpusError
    from kvcheck.ledger import LedgerError
    from kvcheck.trace.atomic import WriteError
    from kvcheck.trace.file import RecordError
    from kvspec.lang.errors import SpecError

    if isinstance(error, RecordError | CorpusError | LedgerError | SpecError):
        _say(str(error))
        return int(Exit.USAGE)
    if isinstance(error, WriteError):
        _say(str(error))
        return int(Exit.TOOL_FAULT)
    with tempfile.NamedTemporaryFile(
        "w", prefix="kvproof-crash-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"kvproof {' '.join(arguments)}\n\n")
        file.write("".join(traceback.format_exception(error)))
    _say(
        f"kvproof stopped on a fault of its own: {type(error).__name__}: {error}. "
        "That says nothing about the design, neither good nor bad. "
        f"The trace is in {file.name}; please report it with the command."
    )
    return int(Exit.TOOL_FAULT)


def _say(text: str) -> None:
    print(f"kvproof: {text}", file=sys.stderr)


def _forget_stdout() -> None:
    """The reader is gone: let the interpreter's last flush go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
