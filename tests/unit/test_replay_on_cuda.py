"""`kvproof replay --device cuda`: kept cases on the CUDA device, their order forced by gates.

Over the fake driver, as slow and as fast as it can be; no gate has met hardware.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings: replays on CUDA")

from fake_process import ran

from kvcheck.cli.entry import run
from kvcheck.fuzz import cuda_site
from kvcheck.verdict import Exit
from kvimpl.device.cuda import NoCudaDevice

FILE = "replay_on_fake.py"
ANSWERS = {
    "refused": "SAME",
    "error": "SAME",
    "leak": "SAME",
    "bytes": "SAME",
    "finding": "UNSEEN",  # what sim finds between two accesses or two locks, a GPU does not tell
}
"""What a failure of each kind on sim is here."""


def test_each_wrong_manager_fails_here_as_on_sim_or_what_is_not_checked_is_named(
    library: Path,
) -> None:
    got, live = ran(FILE, library, "each")
    assert len(got) >= 15
    assert {count for _, _, count in got.values()} == {1, 2, 3}, "tasks of readers among them"
    for manager, (kind, said, _) in got.items():
        assert said == [ANSWERS[kind]] * 2, manager
    kinds = {kind for kind, _, _ in got.values()}
    assert kinds >= {"refused", "error"}
    by_finding = {manager for manager, (kind, _, _) in got.items() if kind == "finding"}
    assert by_finding == {"kv-104"}, "the judge of the order sees what a race comes from"
    assert live == {"events": 0, "streams": 0, "memory": 0}


def test_the_right_manager_stands_the_cases_of_wrong_ones_in_their_order(library: Path) -> None:
    assert ran(FILE, library, "good") == [["GONE", "GONE"]] * 3


def test_a_race_is_seen_by_its_bytes_at_either_pace_and_no_race_is_made_of_right_ones(
    library: Path,
) -> None:
    shown, hidden, blind = ran(FILE, library, "races")
    assert shown == ["SHOWN"] * 2
    assert hidden == ["UNSEEN"] * 2
    assert blind == ["fault"] * 2, "a device that ends elsewhere than sim in one order"


def test_without_gates_the_race_s_bytes_do_not_come(library: Path) -> None:
    assert ran(FILE, library, "ungated") == [["UNSEEN"] * 2] * 2


def test_each_answer_of_the_command_has_its_exit_code_and_its_words(library: Path) -> None:
    got = ran(FILE, library, "commands")
    codes = {name: code for name, (code, _, _) in got.items()}
    assert codes == {
        "fails": Exit.VIOLATION,
        "right": Exit.OK,
        "shown": Exit.VIOLATION,
        "hidden": Exit.INCONCLUSIVE,
        "elsewhere": Exit.VIOLATION,
        "elsewhere right": Exit.INCONCLUSIVE,
        "other": Exit.INCONCLUSIVE,
        "stuck": Exit.TOOL_FAULT,
    }
    ((name, bound),) = got["right"][2]
    assert name.startswith("blocks/replay/cuda/refused/part Claim")
    assert bound == "one order, forced on cuda; order by races not checked"
    assert got["stuck"][2] == [], "a fault has no result"
    said = {name: text for name, (_, text, _) in got.items()}
    assert (
        "s1-1: fails as recorded: Forced on cuda in the order of sim: refused: part Claim"
        in (said["fails"])
    )
    assert "the bytes that the recorded race led to are wrong here too" in said["shown"]
    assert "Order by races is not checked on cuda, and every byte" in said["hidden"]
    assert "schedule: host" in said["hidden"]
    assert "Recorded on cuda, forced on cuda in the order of sim" in said["elsewhere"]
    assert "the record's failure was not seen here" in said["elsewhere right"]
    assert "the record no longer applies: at step 1" in said["other"]
    assert "the recorded order could not be forced on cuda. The gate of 'record " in said["stuck"]
    assert "is stuck: After 100 s" in said["stuck"]


def test_without_a_device_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from test_fuzz_replay import found, written

    def absent() -> None:
        raise NoCudaDevice("There is no CUDA device 0 (no driver). The machine has no GPU. Go.")

    monkeypatch.setattr(cuda_site, "cuda_site", absent)
    path = written(tmp_path, found("s1-1"))
    assert run(["replay", path, "--device", "cuda"]) == Exit.ENVIRONMENT_ABSENT
    said = capsys.readouterr().err
    assert "A replay on a CUDA device was asked for (--device cuda), and nothing was run." in said
