"""The page on the pin service runs and prints what it shows, its service and client included."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from serve_process import Serve

PAGE = Path(__file__).parents[2] / "docs" / "service.md"
TEXT = PAGE.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SHOWN = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
(CONSOLE,) = re.findall(r"```console\n\$ kvproof (.*?)```", TEXT, re.DOTALL)


def test_the_service_and_its_client_print_what_the_page_shows() -> None:
    client, _ = PYTHON
    answers, end, _ = SHOWN
    command, _, shown = CONSOLE.partition("\n")

    with Serve(*command.replace("--port 5555", "--port 0").split()) as serve:
        assert serve.said.replace(serve.address, "tcp://127.0.0.1:5555") == shown
        ran = subprocess.run(
            [sys.executable, "-c", client.replace("tcp://127.0.0.1:5555", serve.address)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.stdout, ran.stderr) == (answers, "")
        code, said = serve.stop(signal.SIGINT)

    assert code == 0
    assert re.sub(r"[\d.]+ s;", "4.20 s;", said) == end


def test_the_desk_answers_as_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PYTHON[1], "service_page.py", "exec"), {"__name__": "service_page"})

    assert capsys.readouterr().out == SHOWN[2]
