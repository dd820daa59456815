"""A corpus keeps the smallest case of each class, loses none, and says what it cannot read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kvcheck.fuzz.case import Case, Failure, Poll, Ran, Sizes
from kvcheck.fuzz.corpus import SCHEMA, Corpus, CorpusError, encode_entry, entry_of, read_entry
from kvcheck.trace.atomic import WriteError

LEAK = Failure("leak", "lost", "Blocks in no queue: 3.")
BYTES = Failure("bytes", "The reader of a pin", "The reader of a pin read 00")


def polls(count: int, manager: str = "blocks") -> Case:
    return Case(Sizes(2), ((Poll(),) * count,), "host-first", manager)


def ran(failure: Failure | None, line: str = "host*3") -> Ran:
    return Ran(failure, line, 3)


def test_a_case_survives_the_disk_unchanged(tmp_path: Path) -> None:
    path = Corpus(tmp_path / "new").add(polls(2), ran(LEAK))
    assert path is not None
    entry = Corpus(tmp_path / "new").load(path)
    assert (entry.case, entry.failure, entry.line) == (polls(2), LEAK, "host*3")
    assert entry.schema == SCHEMA


def test_the_smallest_case_of_a_class_stays(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    assert corpus.add(polls(3), ran(LEAK)) is not None
    path = corpus.add(polls(2), ran(LEAK, "host reader host"))
    assert path is not None
    assert corpus.add(polls(2), ran(LEAK, "host reader host")) is None
    assert corpus.add(polls(5), ran(LEAK)) is None
    assert [kept.entry.case for kept in corpus.entries().good] == [polls(2)]
    assert corpus.add(polls(2), ran(LEAK, "host")) == path


def test_each_class_of_each_manager_has_a_file(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    paths = [
        corpus.add(polls(1), ran(LEAK)),
        corpus.add(polls(1), ran(BYTES)),
        corpus.add(polls(1, "s1-1"), ran(LEAK)),
    ]
    assert len({path for path in paths if path}) == 3
    assert all(path and path.parent == tmp_path for path in paths)
    assert str(paths[0]).startswith(f"{tmp_path}/blocks-leak-lost-")


def test_a_run_without_a_failure_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a failure"):
        Corpus(tmp_path).add(polls(1), ran(None))
    assert Corpus(tmp_path).entries().good == ()


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def foreign(data: bytes) -> bytes:
    return data.replace(SCHEMA.encode(), b"kvproof.corpus/9")


def edited(data: bytes) -> bytes:
    return data.replace(b"host*3", b"host*4")


def mistyped(data: bytes) -> bytes:
    return data.replace(b'"steps": 3', b'"steps": "three"')


def another(data: bytes) -> bytes:
    return b'{"verdict": "holds"}'


def binary(data: bytes) -> bytes:
    return b"\xff\xfe\x00"


DAMAGE = [
    (cut, "is damaged"),
    (foreign, "has schema 'kvproof.corpus/9', written by kvproof"),
    (edited, "changed after it was written"),
    (mistyped, "a part missing or of the wrong type"),
    (another, "is JSON but no corpus file"),
    (binary, "is damaged"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGE)
def test_a_file_that_is_not_whole_is_named_and_left(
    tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    corpus = Corpus(tmp_path)
    bad, good = corpus.add(polls(2), ran(LEAK)), corpus.add(polls(2), ran(BYTES))
    assert bad
    assert good
    data = damage(bad.read_bytes())
    bad.write_bytes(data)
    with pytest.raises(CorpusError, match=said) as caught:
        corpus.load(bad)
    assert str(caught.value).startswith(str(bad))
    entries = corpus.entries()
    assert [kept.path for kept in entries.good] == [good]
    assert entries.bad == ((bad, str(caught.value)),)
    assert bad.read_bytes() == data


def test_a_finding_whose_file_is_damaged_is_kept_beside_it(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    path = corpus.add(polls(2), ran(LEAK))
    assert path
    path.write_bytes(b"{")
    with pytest.raises(CorpusError, match=r"is damaged.*The new case is in"):
        corpus.add(polls(1), ran(LEAK))
    assert path.read_bytes() == b"{"
    assert [kept.entry.case for kept in corpus.entries().good] == [polls(1)]


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read: No such file"):
        read_entry(tmp_path / "none.json")


def test_a_corpus_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("a file")
    with pytest.raises(WriteError, match="cannot be a corpus"):
        Corpus(tmp_path / "corpus").add(polls(1), ran(LEAK))


def test_a_finding_on_another_device_names_it_and_takes_no_other_s_place(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    on_sim, on_cuda = ran(LEAK), msgspec.structs.replace(ran(LEAK), device="cuda", line="")
    kept = corpus.add(polls(2), on_sim), corpus.add(polls(1), on_cuda)
    assert kept[0] is not None
    assert kept[1] is not None
    assert kept[0] != kept[1] == corpus.path_of(polls(1).manager, LEAK, device="cuda")
    assert [corpus.load(path).device for path in kept if path] == ["sim", "cuda"]
    assert b'"device": "cuda"' in kept[1].read_bytes()
    assert b"device" not in kept[0].read_bytes(), "records of sim are as they were"


def test_the_same_finding_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (encode_entry(entry_of(polls(1), ran(LEAK), LEAK)) for _ in range(2))
    assert one == other
    assert msgspec.json.decode(one) == json.loads(other)


WRITER = """
import sys
from pathlib import Path
from kvcheck.fuzz.case import Case, Failure, Poll, Ran, Sizes
from kvcheck.fuzz.corpus import Corpus

corpus, mine = Corpus(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()
for count in range(20, int(sys.argv[3]) - 1, -1):
    case = Case(Sizes(2), ((Poll(),) * count,), "host-first")
    corpus.add(case, Ran(Failure("leak", "shared", mine), "host", 1))
    corpus.add(case, Ran(Failure("leak", f"own {mine} {count}", ""), "host", 1))
"""


def test_two_fuzzers_on_one_corpus_lose_nothing(tmp_path: Path) -> None:
    """Both improve one class, one of them further, and each has twenty classes of its own."""
    (tmp_path / "writer.py").write_text(WRITER)
    corpus = tmp_path / "corpus"
    writers = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "writer.py"), str(corpus), name, least],
            stdin=subprocess.PIPE,
        )
        for name, least in (("a", "1"), ("b", "5"))
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    assert [writer.wait() for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    entries = Corpus(corpus).entries()
    assert entries.bad == ()
    assert len(entries.good) == 1 + 20 + 16
    shared = [k.entry for k in entries.good if k.entry.failure.detail == "shared"]
    assert [len(entry.case.tasks[0]) for entry in shared] == [1]
    assert [path.name for path in corpus.iterdir() if path.suffix != ".json"] == [".lock"]
