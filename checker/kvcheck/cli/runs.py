"""Where run records of this project are kept, and under which name.

It decides a name from the machine and what went wrong, so that the same failure writes the same
file. The folder ignores itself in git.
"""

from __future__ import annotations

import re
from pathlib import Path

from kvcheck.trace.file import write_record
from kvcheck.trace.record import RunKind, RunRecord


def keep_record(folder: Path, record: RunRecord) -> Path:
    """Write the record into the folder; its path."""
    told = record.violation.property if record.violation else record.kind.value
    kind = "-cti" if record.kind is RunKind.CTI else ""
    path = folder / (_plain(f"{record.machine}-{told}{kind}") + ".json")
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    write_record(path, record)
    return path


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
