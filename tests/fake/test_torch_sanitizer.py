"""What torch's own sanitizer sees of the litmus programs and of staging is what the data says."""

from __future__ import annotations

import json
from pathlib import Path

from tier_process import ran

from kvimpl.device.fake import Tier

DATA = Path(__file__).parents[2] / "docs" / "data" / "torch_sanitizer.json"


def test_the_sanitizer_reports_what_the_data_says(tier: Tier) -> None:
    kept = json.loads(DATA.read_text(encoding="utf-8"))
    got = ran("sanitizer_on_torch.py", tier, "table")

    assert got["torch"] == kept["torch"]
    assert got["rows"] == kept["rows"]
    seen = {row["name"]: row["csan"] for row in got["rows"]}
    assert seen["two_streams_are_unordered"] == "reported", "the sanitizer is on"
    assert seen["fifo_same_stream"] == "silent"
