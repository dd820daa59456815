"""Obligations as JUnit XML, which every CI system can show.

It decides what a CI calls each outcome: violated is a failure, inconclusive an error, not run is
skipped. Nothing open is ever a pass.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from kvcheck.report.story import printable
from kvcheck.report.verdicts import verdict_text
from kvcheck.verdict import ObligationResult, Outcome


def render_junit(results: Sequence[ObligationResult], *, suite: str) -> bytes:
    """The XML document, one test case an obligation."""
    outcomes = [result.verdict.outcome for result in results]
    root = ET.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(outcomes.count(Outcome.VIOLATED)),
        errors=str(outcomes.count(Outcome.INCONCLUSIVE)),
        skipped=str(outcomes.count(Outcome.NOT_RUN)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        _add(root, result)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(root: ET.Element, result: ObligationResult) -> None:
    group, _, name = result.id.rpartition("/")
    case = ET.SubElement(
        root,
        "testcase",
        classname=printable(group.replace("/", ".")),
        name=printable(name),
        time=f"{result.seconds:.3f}",
    )
    said = printable(verdict_text(result.verdict))
    match result.verdict.outcome:
        case Outcome.HOLDS:
            ET.SubElement(case, "system-out").text = said
        case Outcome.VIOLATED:
            ET.SubElement(case, "failure", message=said).text = printable(result.detail)
        case Outcome.INCONCLUSIVE:
            ET.SubElement(case, "error", message=said).text = printable(result.detail)
        case Outcome.NOT_RUN:
            ET.SubElement(case, "skipped", message=said)
