"""A kept case fails again exactly, or the answer says why its record no longer applies."""

from __future__ import annotations

import json
import random
from functools import lru_cache, partial
from pathlib import Path

import msgspec
import pytest
from command_lines import Kvproof

from kvcheck.fuzz import draw
from kvcheck.fuzz.case import Case, Failure, Ran, Sizes
from kvcheck.fuzz.corpus import Entry, digest_of, encode_entry, entry_of
from kvcheck.fuzz.looks import EVERYTHING
from kvcheck.fuzz.replay import Applies, looks_for, replay
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.showcase import WRONG_BYTES
from kvcheck.verdict import Exit


@lru_cache
def found(manager: str) -> Entry:
    """The first failure of a manager in drawn cases, as it went."""
    rng = random.Random(1)
    for _ in range(200):
        case = draw.fresh(rng, sizes=draw.SIZES, manager=manager)
        ran = run_case(case)
        if ran.failure is not None:
            return entry_of(case, ran, ran.failure)
    raise AssertionError(f"{manager} did not fail in 200 drawn cases")


def changed(entry: Entry, **fields: object) -> Entry:
    """An entry that says something else, with the digest that belongs to it."""
    other = msgspec.structs.replace(entry, **fields)
    return msgspec.structs.replace(other, digest=digest_of(other))


def written(tmp_path: Path, entry: Entry) -> str:
    path = tmp_path / "kept.json"
    path.write_bytes(encode_entry(entry))
    return str(path)


@pytest.mark.parametrize("manager", ["canary", "s1-1", "s1-5"])
def test_a_kept_case_fails_again_on_its_own_line(manager: str) -> None:
    entry = found(manager)
    replayed = replay(entry, run_case)
    assert replayed.applies is Applies.SAME
    assert replayed.ran is not None
    assert replayed.ran.failure == entry.failure
    assert replayed.ran.line == entry.line


def test_another_failure_is_told_from_the_recorded_one() -> None:
    entry = changed(found("s1-1"), failure=Failure("leak", "lost", ""))
    replayed = replay(entry, run_case)
    assert replayed.applies is Applies.OTHER
    assert "the record's failure was leak: lost; this run's is refused" in replayed.why


@pytest.mark.parametrize("manager", ["s1-1", "blocks"])
def test_a_record_of_another_device_is_seen_here_or_unseen_and_never_gone(manager: str) -> None:
    entry = changed(found("s1-1"), device="cuda", line="")
    replayed = replay(entry, run_case, manager=manager)
    seen = Applies.SAME if manager == "s1-1" else Applies.UNSEEN
    assert replayed.applies is seen
    assert replayed.why.startswith(f"Recorded on cuda, run on sim under {entry.case.order}: ")
    assert "scheduled steps" not in replayed.why


def test_a_line_that_cannot_be_followed_is_told_with_its_step() -> None:
    replayed = replay(changed(found("canary"), line="host nobody"), run_case)
    assert replayed.applies is Applies.DIVERGED
    assert "at step 1 the schedule wants 'nobody', which cannot go on; what can is host" in (
        replayed.why
    )


def test_the_right_manager_stands_the_case_of_a_wrong_one() -> None:
    replayed = replay(found("s1-1"), run_case, manager="blocks")
    assert replayed.applies is Applies.GONE
    assert "none of them failed; the record's failure was refused" in replayed.why


def test_another_manager_s_schedule_gives_way_to_the_case_s_order() -> None:
    entry = changed(found("s1-1"), line="nobody")
    replayed = replay(entry, run_case, manager="blocks")
    assert replayed.applies is Applies.GONE
    assert replayed.why.startswith("The recorded schedule is not blocks's: at step 0")


def test_a_run_that_depends_on_more_than_its_case_is_told() -> None:
    """Every second run takes another turn, as a manager with a clock of its own would."""
    entry, lines = found("canary"), iter(["host", "host*2"])

    def moody(case: Case, **_: object) -> Ran:
        return Ran(entry.failure, next(lines), 1)

    replayed = replay(entry, moody)
    assert replayed.applies is Applies.HIDDEN
    assert "Pass these in" in replayed.why


def test_the_command_exits_1_with_the_frontier_and_the_schedule(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    ran = kvproof("replay", written(tmp_path, found("s1-1")), "--json", "result.json")
    assert ran.code == Exit.VIOLATION
    assert "s1-1: fails as recorded: refused: part Claim" in ran.out
    assert f"schedule: {found('s1-1').line}" in ran.out
    for line in found("s1-1").failure.words.splitlines():
        assert line.rstrip() in ran.out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["exit"]["code"] == 1
    assert [o["outcome"] for o in result["obligations"]] == ["violated"]


def test_the_command_exits_0_where_the_failure_is_gone_and_says_so(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    ran = kvproof("replay", written(tmp_path, found("s1-1")), "--manager", "blocks")
    assert ran.code == Exit.OK
    assert "blocks: the record's failure is gone: " in ran.out


def test_the_command_exits_10_where_the_record_does_not_apply(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    ran = kvproof("replay", written(tmp_path, changed(found("canary"), line="nobody")))
    assert ran.code == Exit.INCONCLUSIVE
    assert "the record no longer applies: at step 0" in ran.out


def test_the_command_exits_10_where_another_device_s_failure_is_not_seen(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    entry = changed(found("s1-1"), device="cuda", line="")
    ran = kvproof("replay", written(tmp_path, entry), "--manager", "blocks")
    assert ran.code == Exit.INCONCLUSIVE
    assert "blocks: the record's failure was not seen here: Recorded on cuda" in ran.out


def test_the_command_exits_3_where_two_runs_differ(
    kvproof: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, steps = found("canary"), iter(range(2))

    def moody(case: Case, **_: object) -> Ran:
        return Ran(entry.failure, entry.line, next(steps))

    monkeypatch.setattr("kvcheck.fuzz.runner.run_case", moody)
    ran = kvproof("replay", written(tmp_path, entry))
    assert ran.code == Exit.TOOL_FAULT
    assert "two runs of the same case differ" in ran.err
    assert ran.out == ""


def test_files_and_managers_that_are_not_there_exit_4(kvproof: Kvproof, tmp_path: Path) -> None:
    kept = written(tmp_path, found("canary"))
    (tmp_path / "cut.json").write_bytes(Path(kept).read_bytes()[:100])
    for arguments, said in (
        (("none.json",), "none.json cannot be read"),
        (("cut.json",), "is damaged"),
        ((kept, "--manager", "s1-11"), "Did you mean s1-1?"),
    ):
        ran = kvproof("replay", *arguments)
        assert ran.code == Exit.USAGE
        assert said in ran.err
        assert ran.out == ""


def test_a_case_whose_sizes_mean_nothing_exits_4(kvproof: Kvproof, tmp_path: Path) -> None:
    entry = found("canary")
    sizes = msgspec.structs.replace(entry.case.sizes, primary_count=0)
    case = msgspec.structs.replace(entry.case, sizes=sizes)
    ran = kvproof("replay", written(tmp_path, changed(entry, case=case)))
    assert ran.code == Exit.USAGE
    assert "primary_count is 0" in ran.err


def test_a_race_that_was_kept_is_replayed_as_one() -> None:
    """A judge that is told of waits would refuse the run before the race."""
    case = Case(Sizes(1, 1), WRONG_BYTES.tasks, "eager", "inv-28-copies-too-early")
    raced = run_case(case, looks=frozenset())
    assert raced.failure is not None
    assert raced.failure.kind == "finding"
    entry = entry_of(case, raced, raced.failure)

    replayed = replay(entry, partial(run_case, looks=looks_for(entry, None)))

    assert replayed.applies is Applies.SAME
    assert replay(entry, run_case).applies is Applies.OTHER, "with every look it is refused first"
    assert looks_for(entry, "blocks") == EVERYTHING
    assert looks_for(found("s1-1"), None) == EVERYTHING
