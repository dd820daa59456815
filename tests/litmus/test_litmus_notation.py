"""The notation refuses what is no litmus program, and writes outcomes as it reads them.

Each refusal is three sentences and names what was written wrong.
"""

from __future__ import annotations

import re

import pytest

from kvcheck.litmus import SUITE
from kvcheck.litmus.notation import NotationError, outcomes, program, written_outcome
from kvcheck.litmus.program import POISON

REFUSED = {
    "a word that is no call": (("D=0", "a: D=1; jump D"), "'jump D' is no call"),
    "a small letter for a place": (("D=0", "a: d=1"), "'a: d=1' is no call"),
    "a call of a stream on none": (("D=0 P=1", "D<-P"), "'D<-P' is no call"),
    "a batch of no copies": (("D=0 P=1", "a: batch(D<-P P)"), "batch(D<-P P) is no list of copies"),
    "a start without a value": (("D", "a: D=1"), "'D' is no byte to start with"),
    "a start in small letters": (("d=0", "a: D=1"), "'d=0' is no byte to start with"),
    "an answer not asked": (("P=0", "if q: P=1"), "uses q, which is asked by no query before it"),
    "an answer of another thread": (
        ("P=0", "q=query e || if q: P=1"),
        "uses q, which is asked by no query before it",
    ),
    "a mark before its record": (
        ("D=0", "b: wait m; a: record e as m"),
        "uses m, which is recorded nowhere before it",
    ),
    "a place from nowhere": (("D=0", "a: D<-P"), "uses P, which is neither in the start nor"),
    "a place in a batch from nowhere": (("D=0", "a: batch(D<-P)"), "uses P, which is neither"),
    "a place freed from nowhere": (("D=0", "free P"), "uses P, which is neither in the start nor"),
    "two frees": (("P=0 Q=0", "free P; free Q"), "frees twice"),
    "waiting for a stream": (("D=0", "a: D=1; b: wait a; b: D=2"), "uses a, which is a stream"),
    "recording a stream": (("D=0", "a: record b; b: D=2"), "uses b, which is a stream"),
    "destroying a stream": (("D=0", "a: D=1; destroy a"), "uses a, which is a stream"),
    "more than a byte to start with": (("D=256", "a: D=1"), "has the value 256"),
    "more than a byte in a call": (("D=0", "a: D=300"), "has the value 300"),
    "a host's write to the device": (("D=0", "D=1"), "has the host touch D, which is on the"),
    "a host's read of the device": (("D=0", "read D"), "has the host touch D, which is on the"),
    "a host function's, too": (("D=0", "a: f(D=1)"), "has the host touch D, which is on the"),
    "an argument read there": (("D=0 E=1", "a: D=[E]"), "has the host touch E, which is on the"),
}


def has_three_sentences(said: str) -> bool:
    return len(re.findall(r"\.(?: [A-Z]|$)", said)) == 3


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_that_is_no_program_is_refused(name: str) -> None:
    (start, text), says = REFUSED[name]
    with pytest.raises(NotationError) as refused:
        program(start, text)
    assert says in str(refused.value)
    assert has_three_sentences(str(refused.value))


def test_an_end_and_a_blocking_stream_that_are_not_there_are_refused() -> None:
    with pytest.raises(NotationError, match="uses E, which is neither in the start"):
        program("D=0", "a: D=1", ends="E")
    with pytest.raises(NotationError, match="uses b, which is called blocking and no stream"):
        program("D=0", "a: D=1", ends="D", blocking="b")


@pytest.mark.parametrize("text", ["X,1", "1 T1", "1,,2", "-1"])
def test_an_outcome_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(NotationError, match="is no value of an outcome") as refused:
        outcomes(text)
    assert has_three_sentences(str(refused.value))


def test_words_stand_for_answers_for_what_is_not_reached_and_for_freed_memory() -> None:
    assert outcomes("T,- F,poison 12") == {(1, -1), (0, POISON), (12,)}


@pytest.mark.parametrize("name", SUITE)
def test_an_outcome_is_written_as_it_is_read(name: str) -> None:
    test = SUITE[name]
    written = " ".join(written_outcome(test.program, outcome) for outcome in test.allowed)
    assert outcomes(written) == test.allowed
