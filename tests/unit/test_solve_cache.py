"""The proof cache loses nothing, invents nothing and never makes a run fail."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

from kvcheck.solve.proof_cache import FILE_NAME, ProofCache, cache_key


def test_what_is_put_is_got_by_another_run(tmp_path):
    ProofCache(tmp_path).put("key", "text")
    assert ProofCache(tmp_path).get("key") == "text"
    assert ProofCache(tmp_path).get("other") is None


def test_a_corrupt_file_is_set_aside_with_a_warning(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"this is no database, but someone may want it" * 100)
    cache = ProofCache(tmp_path)
    cache.put("key", "text")
    assert cache.get("key") == "text"
    assert "damaged" in cache.warnings[0]
    (aside,) = tmp_path.glob("*.set-aside-*")
    assert aside.read_bytes().startswith(b"this is no database")


def test_a_foreign_version_is_set_aside_with_a_warning(tmp_path):
    other = sqlite3.connect(tmp_path / FILE_NAME)
    other.execute("CREATE TABLE proofs (anything)")
    other.execute("PRAGMA user_version = 99")
    other.commit()
    other.close()
    cache = ProofCache(tmp_path)
    assert "has version 99" in cache.warnings[0]
    assert len(list(tmp_path.glob("*.set-aside-1"))) == 1
    assert ProofCache(tmp_path).warnings == []


def test_a_damaged_row_counts_as_absent(tmp_path):
    cache = ProofCache(tmp_path)
    cache.put("key", "holds")
    cache._connection.execute("UPDATE proofs SET payload = 'violated'")
    assert cache.get("key") is None


def test_a_folder_that_cannot_be_made_leaves_the_run_without_a_cache(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = ProofCache(tmp_path / "file" / "cache")
    cache.put("key", "text")
    assert cache.get("key") is None
    assert "goes on without it" in cache.warnings[0]


def test_a_disk_that_fills_up_leaves_the_run_without_a_cache(tmp_path):
    cache = ProofCache(tmp_path)
    cache._connection.execute("PRAGMA max_page_count = 4")
    for number in range(100):
        cache.put(f"key{number}", "x" * 1000)
    assert len(cache.warnings) == 1
    assert "cannot be written" in cache.warnings[0]
    assert ProofCache(tmp_path).get("key0") == "x" * 1000


def write_many(directory: str, start: int) -> None:
    cache = ProofCache(Path(directory))
    for number in range(start, start + 50):
        cache.put(f"key{number}", f"text{number}")
    assert cache.warnings == []


def test_two_runs_share_a_cache_and_nothing_is_lost(tmp_path):
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=write_many, args=(str(tmp_path), n)) for n in (0, 50)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    cache = ProofCache(tmp_path)
    assert [cache.get(f"key{n}") for n in range(100)] == [f"text{n}" for n in range(100)]


def test_two_runs_that_meet_a_corrupt_file_set_it_aside_once(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"damaged" * 1000)
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=ProofCache, args=(tmp_path,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(list(tmp_path.glob("*.set-aside-*"))) == 1


def test_each_part_of_a_key_counts():
    keys = [cache_key("ab", "c"), cache_key("a", "bc"), cache_key("abc"), cache_key("c", "ab")]
    assert len(set(keys)) == 4


def test_looking_up_does_not_load_z3():
    code = (
        "import sys, kvcheck.solve.prove, kvcheck.solve.engines, kvcheck.solve.proof_cache; "
        "raise SystemExit('z3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
