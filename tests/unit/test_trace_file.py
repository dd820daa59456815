"""Records on disk: whole or absent, and never misread."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import handmade_pool as pool
import pytest

from kvcheck.fuzz.corpus import KIND as CORPUS
from kvcheck.trace.atomic import WriteError, write_atomically
from kvcheck.trace.file import KIND as RECORD
from kvcheck.trace.file import RecordError, encode_record, read_record, write_record
from kvcheck.trace.retell import retell
from kvcheck.trace.schema import Kind, check_schema


def test_a_record_survives_the_disk_unchanged(tmp_path: Path) -> None:
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    write_record(tmp_path / "deep" / "run.json", record)
    assert read_record(tmp_path / "deep" / "run.json") == record


def test_a_truncated_record_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    data = encode_record(retell(pool.model(), pool.failing_offload(), pool.ORIGIN))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(RecordError, match=r"is damaged.*cut short.*Make it anew"):
        read_record(path)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b'{"schema": "\xff"}'])
def test_bytes_that_are_no_text_are_called_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(RecordError, match="is damaged"):
        read_record(path)


def test_json_of_another_kind_is_no_run_record(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"verdict": "holds"}')
    with pytest.raises(RecordError, match="no run record"):
        read_record(path)


def test_a_record_of_another_schema_names_the_version_that_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"schema": "kvproof.run/7", "tool_version": "3.2.1"}')
    with pytest.raises(RecordError, match=r"kvproof.run/7.*written by kvproof 3\.2\.1"):
        read_record(path)


SAID = [
    (b"{", "damaged", "made_again"),
    (b'{"verdict": "holds"}', "JSON but no", "given"),
    (b'{"schema": "kvproof.other/1"}', "an unnamed version", "older"),
]


@pytest.mark.parametrize("kind", [RECORD, CORPUS], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("data", "said", "mend"), SAID)
def test_each_kind_of_file_has_its_error_and_its_mend(
    kind: Kind, data: bytes, said: str, mend: str
) -> None:
    with pytest.raises(kind.error, match=said) as caught:
        check_schema(Path("it"), data, kind)
    assert str(caught.value).endswith(getattr(kind, mend))
    assert len(re.findall(r"[^.]\.( |$)", str(caught.value))) == 3
    check_schema(Path("it"), b'{"schema": "%s"}' % kind.schema.encode(), kind)


def test_a_record_with_a_field_of_the_wrong_type_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    record = retell(pool.model(), pool.failing_offload(), pool.ORIGIN)
    text = encode_record(record).decode()
    path.write_text(text.replace('"number": 1', '"number": "one"'))
    with pytest.raises(RecordError, match=r"\$\.steps\[0\]\.number|steps"):
        read_record(path)


def test_a_full_disk_leaves_the_old_file_and_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="disk is full"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
