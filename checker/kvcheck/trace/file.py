"""Run records as JSON files.

It decides the format on disk and what a damaged or foreign file is told to be; the record itself
is `record`. A file is read in two passes: first only its schema and the version that wrote it, so
that a record of another version is named as such and not as damaged.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kvcheck.trace.atomic import write_atomically
from kvcheck.trace.record import SCHEMA, RunRecord


class RecordError(Exception):
    """A file is no run record that this version can read; three sentences."""


class _Header(msgspec.Struct):
    schema: str
    tool_version: str = "an unnamed version"


def encode_record(record: RunRecord) -> bytes:
    """The record as indented JSON, keys in declaration order: same record, same bytes."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def write_record(path: Path, record: RunRecord) -> None:
    """Write the record atomically; raises `WriteError`."""
    write_atomically(path, encode_record(record))


def read_record(path: Path) -> RunRecord:
    """The record in a file; raises `RecordError` with the reason and the mend."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(
            f"{path} cannot be read: {error.strerror or error}. "
            "The name is wrong, or the file is not readable by this user. "
            "Give the path of a run record, as `kvproof explore` prints it."
        ) from error
    _check_schema(path, data)
    try:
        return msgspec.json.decode(data, type=RunRecord)
    except msgspec.DecodeError as error:
        raise RecordError(
            f"{path} is a run record with a part missing or of the wrong type: {error}. "
            "It was changed by hand or by another program. "
            "Make it anew with the command in its `rerun` field."
        ) from error


def _check_schema(path: Path, data: bytes) -> None:
    try:
        header = msgspec.json.decode(data, type=_Header)
    except msgspec.ValidationError as error:
        raise RecordError(
            f"{path} is JSON but no run record: {error}. "
            "It may be a result file, or a file of another program. "
            "Give the path of a run record, as `kvproof explore` prints it."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(
            f"{path} is damaged: {error}. "
            "It was cut short or overwritten ({:,} bytes are there). ".format(len(data))
            + "Make it anew with the `kvproof explore` command that wrote it."
        ) from error
    if header.schema != SCHEMA:
        raise RecordError(
            f"{path} has schema {header.schema!r}, written by kvproof {header.tool_version}; "
            f"this version reads {SCHEMA!r}. "
            "Records are not carried over between schemas. "
            "Read it with that version, or make it anew with this one."
        )
