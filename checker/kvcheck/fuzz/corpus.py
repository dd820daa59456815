"""Failing cases on disk: one file for each class of failure, holding the smallest case of it.

It decides what a corpus file says and which case of a class stays; running one again is `replay`.
A class is a manager's: the same words about another manager are another finding.
The idea: a class has one file name, so a second finding of it meets the first there, and the
smaller of them stays. Looking and replacing happen under a lock of the folder, since two fuzzers on
one corpus must not lose what either found. Nothing here deletes a file that it cannot read.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from kvcheck.fuzz.case import SIM_NAME, Case, Failure, Ran
from kvcheck.trace.atomic import WriteError, write_atomically
from kvcheck.trace.schema import Kind, check_schema

SCHEMA = "kvproof.corpus/1"
SLUG_MAX = 48
LOCK = ".lock"


class CorpusError(Exception):
    """A file is no corpus file that this version can read; three sentences."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A failing case, how it failed, and the schedule as it went.

    `digest` is of everything else, so that a file which was changed by hand is told from a finding.
    `device` is where it failed. Only sim tells its schedule: elsewhere the line is empty, and the
    case's order was not followed.
    """

    schema: str
    tool_version: str
    digest: str
    failure: Failure
    steps: int
    line: str
    case: Case
    device: str = SIM_NAME


KIND = Kind(
    schema=SCHEMA,
    name="corpus file",
    error=CorpusError,
    others="a run record",
    contents="Cases",
    given="Give the path of a corpus file, as `kvproof fuzz` prints it.",
    made_again="Restore it, or find the failure again with `kvproof fuzz`.",
    older="Replay it with that version, or find the failure again with `kvproof fuzz`.",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the corpus and what it holds."""

    path: Path
    entry: Entry


@dataclass(frozen=True, slots=True)
class Entries:
    """The files of a corpus, by name: those that can be read, and what is wrong with the others."""

    good: tuple[Kept, ...]
    bad: tuple[tuple[Path, str], ...]


class Corpus:
    """The corpus in a folder, which need not be there yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, case: Case, ran: Ran) -> Path | None:
        """Keep a failing case; None if its class has one there that is as small.

        Raises:
            ValueError: the run has no failure.
            CorpusError: the file of its class cannot be read; the case stands beside it.
            WriteError: the folder cannot be written.
        """
        if ran.failure is None:
            raise ValueError(
                "A case without a failure was given to the corpus. A run that passed was mistaken "
                "for a finding. Add only runs whose `failure` is set."
            )
        entry = entry_of(case, ran, ran.failure)
        path = self.path_of(case.manager, ran.failure, device=ran.device)
        with _locked(self.directory):
            try:
                there = read_entry(path) if path.exists() else None
            except CorpusError as error:
                aside = path.with_name(f"{path.stem}-{entry.digest[:12]}.json")
                write_atomically(aside, encode_entry(entry))
                raise CorpusError(f"{error} The new case is in {aside}.") from error
            if there is not None and size_of(there) <= size_of(entry):
                return None
            write_atomically(path, encode_entry(entry))
        return path

    def entries(self) -> Entries:
        """All files, the unreadable ones with the reason."""
        good: list[Kept] = []
        bad: list[tuple[Path, str]] = []
        for path in sorted(self.directory.glob("*.json")):
            try:
                good.append(Kept(path, read_entry(path)))
            except CorpusError as error:
                bad.append((path, str(error)))
        return Entries(tuple(good), tuple(bad))

    def load(self, path: Path) -> Entry:
        """The entry in a file. Raises: CorpusError."""
        return read_entry(path)

    def path_of(self, manager: str, failure: Failure, *, device: str = SIM_NAME) -> Path:
        """The one file of a class: readable first, and a digest of the manager and the class.

        A device other than sim is of the class: its case, which may not fail again, must not take
        the place of one that does.
        """
        parts = (*(() if device == SIM_NAME else (device,)), manager, *failure.key)
        words = re.sub(r"[^A-Za-z0-9]+", "-", " ".join(parts)).lower()
        name = f"{words[:SLUG_MAX].strip('-')}-{_digest(*parts)[:12]}.json"
        return self.directory / name


def entry_of(case: Case, ran: Ran, failure: Failure) -> Entry:
    """What is kept of a failing run."""
    bare = Entry(SCHEMA, _tool_version(), "", failure, ran.steps, ran.line, case, ran.device)
    return msgspec.structs.replace(bare, digest=digest_of(bare))


def digest_of(entry: Entry) -> str:
    """The digest of all that an entry says besides its digest."""
    bare = msgspec.structs.replace(entry, digest="")
    return blake2b(msgspec.json.encode(bare), digest_size=16).hexdigest()


def size_of(entry: Entry) -> tuple[int, ...]:
    """How small a case is, for a reader: calls, tasks, slots, words of its schedule, steps."""
    case = entry.case
    return (
        sum(len(line) for line in case.tasks),
        len(case.tasks),
        case.sizes.primary_count + case.sizes.secondary_count,
        len(entry.line.split()),
        entry.steps,
    )


def encode_entry(entry: Entry) -> bytes:
    """The entry as indented JSON: same entry, same bytes."""
    return msgspec.json.format(msgspec.json.encode(entry), indent=1) + b"\n"


def read_entry(path: Path) -> Entry:
    """The entry in a file. Raises: CorpusError, with the reason and the mend."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read: {error.strerror or error}. "
            "The name is wrong, or the file is not readable by this user. "
            "Give the path of a corpus file, as `kvproof fuzz` prints it."
        ) from error
    check_schema(path, data, KIND)
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except msgspec.DecodeError as error:
        raise CorpusError(
            f"{path} is a corpus file with a part missing or of the wrong type: {error}. "
            "It was changed by hand or by another program. "
            "Restore it, or find the failure again with `kvproof fuzz`."
        ) from error
    if entry.digest != digest_of(entry):
        raise CorpusError(
            f"{path} does not say what its digest was made of: it was changed after it was written."
            " It was edited by hand, or merged from two files. "
            "Restore it, or find the failure again with `kvproof fuzz`."
        )
    return entry


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One process at a time looks and replaces; the lock goes when its holder does."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise WriteError(
            f"{directory} cannot be a corpus: {error.strerror or error}. "
            "It is a file, or this user may not write there. Name another folder."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _digest(*words: str) -> str:
    digest = blake2b(digest_size=16)
    for word in words:
        data = word.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _tool_version() -> str:
    try:
        return version("kvproof")
    except PackageNotFoundError:
        return "unknown"
