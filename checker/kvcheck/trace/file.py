"""Run records as JSON files.

It decides the format on disk and what is said of a file that is no run record; the record itself
is `record`. A file is read in two passes: first only its schema (`schema`), then the record.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kvcheck.trace.atomic import write_atomically
from kvcheck.trace.record import SCHEMA, RunRecord
from kvcheck.trace.schema import Kind, check_schema


class RecordError(Exception):
    """A file is no run record that this version can read; three sentences."""


KIND = Kind(
    schema=SCHEMA,
    name="run record",
    error=RecordError,
    others="a result file",
    contents="Records",
    given="Give the path of a run record, as `kvproof explore` prints it.",
    made_again="Make it anew with the `kvproof explore` command that wrote it.",
    older="Read it with that version, or make it anew with this one.",
)


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
    check_schema(path, data, KIND)
    try:
        return msgspec.json.decode(data, type=RunRecord)
    except msgspec.DecodeError as error:
        raise RecordError(
            f"{path} is a run record with a part missing or of the wrong type: {error}. "
            "It was changed by hand or by another program. "
            "Make it anew with the command in its `rerun` field."
        ) from error
