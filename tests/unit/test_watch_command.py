"""`kvproof watch` runs a torch program of one's own: what it prints, and how each ending exits."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from command_lines import Kvproof

from kvcheck.cli import watch_program
from kvcheck.verdict import Exit
from kvcheck.watch import checking

pytest.importorskip("torch", reason="watching runs torch programs: make device")

STAGING = """
    import sys
    import torch

    def main(mend="no"):
        rows = torch.zeros(4, pin_memory=True)
        table = torch.empty(4, device="cuda")
        for step in range(2):
            if mend == "yes":
                torch.cuda.current_stream().synchronize()
            rows.fill_(step)
            table.copy_(rows, non_blocking=True)
        print("what a program prints")

    if __name__ == "__main__":
        main(*sys.argv[1:])
"""


def written(folder: Path, text: str, name: str = "staging.py") -> str:
    (folder / name).write_text(dedent(text))
    return name


def test_a_race_is_told_with_its_lines_and_a_schedule_that_shows_it(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    name = written(tmp_path, STAGING)
    ran = kvproof("watch", name, "--json", "r.json", "--junit", "r.xml")

    assert ran.code == Exit.VIOLATION
    assert ran.out.startswith("race: host write of rows[0:16) at step ")
    assert "staging.py:11 in main" in ran.out
    assert "staging.py:12 in main" in ran.out
    assert ran.out.endswith("staging.py: violated, 12 schedules (1 finding)\n")
    assert "what a program prints" not in ran.out + ran.err
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["exit"]["code"] == Exit.VIOLATION
    (found,) = result["searches"][0]["findings"]
    assert ran.out.startswith(found["text"] + "\n\n")
    assert found["schedule"].startswith("host*")
    assert "violated" in (tmp_path / "r.xml").read_text()


@pytest.mark.parametrize("form", ["script", "function"])
def test_a_mended_one_holds_in_some_orders_or_in_all(
    kvproof: Kvproof, tmp_path: Path, form: str
) -> None:
    name = written(tmp_path, STAGING) + (":main" if form == "function" else "")
    some = kvproof("watch", name, "--orders", "3", "--seed", "7", "--", "yes")
    every = kvproof("watch", name, "--orders", "all", "--", "yes")

    assert (some.code, every.code) == (Exit.OK, Exit.OK)
    assert some.out == f"{name}: holds, observed, 5 schedules\n"
    assert every.out.startswith(f"{name}: holds, exhausted, ")


def test_a_race_that_hangs_on_a_query_is_found_where_all_orders_are_tried(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    name = written(
        tmp_path,
        """
        import torch
        rows = torch.zeros(4, pin_memory=True)
        table = torch.empty(4, device="cuda")
        side, done = torch.cuda.Stream(), torch.cuda.Event()
        with torch.cuda.stream(side):
            done.record()
        table.copy_(rows, non_blocking=True)
        if done.query() and not torch.cuda.current_stream().query():
            rows.fill_(2)
        """,
    )
    assert kvproof("watch", name, "--orders", "0").code == Exit.OK
    assert kvproof("watch", name, "--orders", "all").code == Exit.VIOLATION


def test_modules_of_the_program_s_folder_start_afresh_in_each_run(
    kvproof: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "import torch\nrows = torch.zeros(4, pin_memory=True)\n", "held.py")
    name = written(tmp_path, "import held\nheld.rows.fill_(1)\n", "uses.py")
    before = (sys.argv, sys.path, set(sys.modules))
    assert kvproof("watch", name).code == Exit.OK
    assert (sys.argv, sys.path, "held" in sys.modules) == (*before[:2], False)

    @contextmanager
    def keeps(named: watch_program.Program, module: Any) -> Iterator[None]:
        "The planted mistake: what a run imported is there in the next one."
        monkeypatch.syspath_prepend(str(named.path.parent))
        yield

    monkeypatch.setattr(watch_program, "_as_started", keeps)
    assert kvproof("watch", name).code == Exit.INCONCLUSIVE
    sys.modules.pop("held")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("print('no device')", Exit.NOTHING_RAN, "not run, 12 schedules (nothing happened"),
        ("", Exit.NOTHING_RAN, "not run"),
        (
            "import torch\ntorch.zeros(1, device='cuda')\n{}['key']",
            Exit.INCONCLUSIVE,
            "(the program ended with KeyError: 'key' (p.py:3 in <module>))",
        ),
        ("raise SystemExit(3)", Exit.INCONCLUSIVE, "Exited: exit(3) (p.py:1 in <module>)"),
        ("import torch\ntorch.zeros(1, device='cuda')\nexit(0)", Exit.OK, "holds, observed"),
        (
            "import torch\ntorch.zeros(1, pin_memory=True).numpy()",
            Exit.INCONCLUSIVE,
            "NotModelled: Tensor.numpy is not modelled under watch",
        ),
        (
            "import torch\ne = torch.cuda.Event()\ntorch.zeros(1, device='cuda')\ne.record()\n"
            "while not e.query():\n    pass",
            Exit.OK,
            "holds, observed, 12 schedules",
        ),
        (
            "import threading, torch\nd = torch.zeros(1, device='cuda')\n"
            "failed = []\nthreading.excepthook = lambda args: failed.append(args.exc_value)\n"
            "t = threading.Thread(target=d.zero_)\nt.start()\nt.join()\nraise failed[0]",
            Exit.INCONCLUSIVE,
            "was called from a thread that this device did not start",
        ),
    ],
    ids=["nothing", "empty", "raises", "exits", "ends", "numpy", "polls", "thread"],
)
def test_what_is_no_answer_is_no_pass(
    kvproof: Kvproof, tmp_path: Path, text: str, code: Exit, said: str
) -> None:
    ran = kvproof("watch", written(tmp_path, text, "p.py"))
    assert ran.code == code
    assert said in ran.out
    assert "Traceback" not in ran.err
    assert "Warning" not in ran.err


def test_what_was_found_before_the_program_failed_stands(kvproof: Kvproof, tmp_path: Path) -> None:
    name = written(tmp_path, STAGING + "\n    torch.zeros(1, pin_memory=True).numpy()\n")
    ran = kvproof("watch", name)
    assert ran.code == Exit.VIOLATION
    assert ran.out.startswith("race: host write of rows")
    assert "The program ended with NotModelled: Tensor.numpy" in ran.out


def test_a_budget_that_runs_out_is_inconclusive(kvproof: Kvproof, tmp_path: Path) -> None:
    name = written(tmp_path, STAGING)
    for orders in ("all", "10"):
        ran = kvproof("watch", name, "--orders", orders, "--budget", "0s", "--", "yes")
        assert ran.code == Exit.INCONCLUSIVE
        assert "0 schedules (the budget ran out before every order was tried)" in ran.out


def test_a_program_that_differs_from_run_to_run_is_a_fault_and_no_finding(
    kvproof: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = written(
        tmp_path,
        """
        from pathlib import Path
        import torch
        rows = torch.zeros(4, pin_memory=True)
        torch.empty(4, device="cuda").copy_(rows, non_blocking=True)
        seen = Path("seen")
        if not seen.exists():
            rows.fill_(1)
        seen.touch()
        """,
    )
    ran = kvproof("watch", name)
    assert ran.code == Exit.TOOL_FAULT
    assert "does not do the same twice under one schedule" in ran.err
    assert "race" not in ran.out

    (tmp_path / "seen").unlink()
    monkeypatch.setattr(checking._Examination, "_confirm", lambda *_: None)
    assert kvproof("watch", name).code == Exit.VIOLATION, "planted: a finding that is not run again"


def test_without_torch_the_environment_is_absent(
    kvproof: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    ran = kvproof("watch", written(tmp_path, STAGING))
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "pip install torch" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.py",), "none.py cannot be read: No such file"),
        (("staging.py:mian",), "has no function 'mian'"),
        (("plain.py:main",), "It has none: name the file alone to run it."),
        (("broken.py",), "broken.py is no Python"),
        (("staging.py", "--orders", "few"), "write 10, or all"),
        ((), "PROGRAM.PY"),
    ],
)
def test_a_wrong_word_is_a_usage_error(
    kvproof: Kvproof, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    written(tmp_path, STAGING)
    written(tmp_path, "def :", "broken.py")
    written(tmp_path, "pass", "plain.py")
    ran = kvproof("watch", *arguments)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert said.lower() in ran.err.lower()
