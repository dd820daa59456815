"""The CUDA text, run on the CPU, makes the bytes that the body in Python makes, and no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest
from hypothesis import Phase, given, settings
from kernel_inputs import LAUNCHES, expected
from planted_kernels import planted

from kvimpl.device.kernels import (
    COPY_SLOTS,
    GATHER_BLOCK_OFFSETS,
    KERNELS,
    READ_TAGS,
    WRITE_TAGS,
    KernelSource,
    Pointer,
)
from kvimpl.device.kernels.twin import (
    Launch,
    Twin,
    TwinAbsent,
    TwinDied,
    TwinRefused,
    built,
    cxx,
    reads_of_written,
)
from kvimpl.device.port import Mode

EXAMPLES = 150


def _absent() -> str:
    try:
        cxx()
    except TwinAbsent as absent:
        return str(absent)
    return ""


ABSENT = _absent()
with_cxx = pytest.mark.skipif(
    bool(ABSENT), reason=f"NOT TESTED, no kernel's text was run on the CPU: {ABSENT}"
)


class Differs(Exception):
    """A drawn launch on which the twin is not the body: "bytes", or the twin's last words."""


def compare(source: KernelSource, folder: Path, examples: int = EXAMPLES) -> None:
    """Hold the twin against the body on drawn launches. Raises: Differs, at the first."""
    with Twin(source, built(source, folder)) as twin:

        @settings(max_examples=examples, database=None, derandomize=True, phases=[Phase.generate])
        @given(LAUNCHES[source.entry])
        def each(launch: Launch) -> None:
            try:
                if twin.run(launch) != expected(source, launch):
                    raise Differs("bytes")
                if reads_of_written(twin, source, launch):
                    raise Differs("reads what is declared write")
            except TwinDied as died:
                raise Differs(str(died)) from died

        each()


@with_cxx
@pytest.mark.parametrize("source", KERNELS, ids=lambda source: source.entry)
def test_a_twin_does_what_the_body_does(source: KernelSource, tmp_path: Path) -> None:
    compare(source, tmp_path)


WRONG = {
    "the tail is one byte short": (
        COPY_SLOTS,
        "i < slot_bytes; i += step)\n        to[i]",
        "i + 1 < slot_bytes; i += step)\n        to[i]",
        "bytes",
    ),
    "the tail is one byte long": (
        COPY_SLOTS,
        "i < slot_bytes; i += step)\n        to[i]",
        "i <= slot_bytes; i += step)\n        to[i]",
        "'to' at byte|bytes",
    ),
    "sixteen bytes at an odd place": (
        COPY_SLOTS,
        "(unsigned long long)to % 16 == 0 && (unsigned long long)from % 16 == 0",
        "slot_bytes",
        "misaligned address",
    ),
    "no bound on the source": (
        COPY_SLOTS,
        "|| (unsigned)source >= from_slots",
        "",
        "reads 'from' at byte",
    ),
    "no bound on the target": (
        COPY_SLOTS,
        "|| (unsigned)target >= to_slots",
        "",
        "writes 'to' at byte",
    ),
    "pairs beyond the grid are forgotten": (COPY_SLOTS, "p += gridDim.x", "p += 1 << 20", "bytes"),
    "a wrong stride of the table": (
        GATHER_BLOCK_OFFSETS,
        "* 2 * width + column",
        "* width + column",
        "bytes",
    ),
    "a bad page is scaled": (
        GATHER_BLOCK_OFFSETS,
        "page < 0 ? page : page * scales[pool]",
        "page * scales[pool]",
        "bytes",
    ),
    "no bound on the row": (
        GATHER_BLOCK_OFFSETS,
        "&& (unsigned)row < row_count",
        "",
        "reads 'rows' at byte|AddressSanitizer|bytes",
    ),
    "the first copy index for all": (
        GATHER_BLOCK_OFFSETS,
        "__ldcv(copy_index + sequence)",
        "__ldcv(copy_index)",
        "bytes",
    ),
    "no bound on the slot": (
        WRITE_TAGS,
        "|| (unsigned)slot >= slot_count",
        "",
        "writes 'slots' at byte",
    ),
    "the tag is not repeated": (WRITE_TAGS, "i % 16", "(i < 16 ? i : 15)", "bytes"),
    "a tag longer than its slot": (
        READ_TAGS,
        "i < slot_bytes ? __ldcv(from + i) : 0",
        "__ldcv(from + i)",
        "reads 'slots' at byte|AddressSanitizer|bytes",
    ),
    "a torn slot looks whole": (
        READ_TAGS,
        "intact[page] = same;",
        "intact[page] = exists ? slot_bytes : 0;",
        "bytes",
    ),
}


@with_cxx
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_is_caught(name: str, tmp_path: Path) -> None:
    source, old, new, says = WRONG[name]

    with pytest.raises(Differs, match=says):
        compare(planted(source, tmp_path, old, new), tmp_path, examples=1000)


def _one_copy(size: int = 20) -> Launch:
    return Launch(
        {"to": bytes(2 * size), "from": b"\x01" * (2 * size), "pairs": pack("<2i", 0, 1)},
        {"pair_count": 1, "to_slots": 2, "from_slots": 2, "slot_bytes": size},
    )


def _declared(source: KernelSource, name: str, mode: Mode) -> KernelSource:
    parameters = tuple(
        replace(p, mode=mode) if isinstance(p, Pointer) and p.name == name else p
        for p in source.parameters
    )
    return replace(source, parameters=parameters)


@with_cxx
def test_a_write_to_what_is_declared_read_is_caught(tmp_path: Path) -> None:
    wrong = _declared(COPY_SLOTS, "to", Mode.READ)
    with (
        Twin(wrong, built(wrong, tmp_path)) as twin,
        pytest.raises(TwinDied, match=r"writes 'to' at byte \d+ of 40, declared read$"),
    ):
        twin.run(_one_copy())


@with_cxx
def test_a_read_of_what_is_declared_write_is_caught(tmp_path: Path) -> None:
    wrong = planted(COPY_SLOTS, tmp_path, "to[i] = __ldcv", "to[i] |= __ldcv")
    with Twin(wrong, built(wrong, tmp_path)) as twin:
        found = reads_of_written(twin, wrong, _one_copy(size=3))
    assert found == (("to", 3), ("to", 4), ("to", 5))


@with_cxx
def test_a_twin_that_died_answers_the_next_launch(tmp_path: Path) -> None:
    short = _one_copy()
    with Twin(COPY_SLOTS, built(COPY_SLOTS, tmp_path)) as twin:
        with pytest.raises(TwinDied, match=r"writes 'to' at byte \d+ of 39, declared write"):
            twin.run(replace(short, bytes={**short.bytes, "to": bytes(39)}))
        assert twin.run(short) == {"to": bytes(20) + b"\x01" * 20}


@with_cxx
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("extern", "int odd = ;\nextern"),
        lambda text: text.replace("const unsigned char *from,", ""),
        lambda text: text.replace(
            "unsigned from_slots, unsigned long long", "unsigned from_slots, unsigned"
        ),
        lambda text: text.replace("    // A pair", "    __syncthreads();\n    // A pair"),
    ],
    ids=["syntax", "one parameter fewer", "another width", "a barrier"],
)
def test_a_text_that_is_no_twin_is_refused_with_the_compilers_lines(
    change: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "copy_slots.cu"
    path.write_text(change(COPY_SLOTS.text), encoding="utf-8")
    with pytest.raises(TwinRefused, match=r"Most likely it uses a word of CUDA") as refused:
        built(replace(COPY_SLOTS, path=path), tmp_path)
    assert "error:" in str(refused.value)


def test_without_a_compiler_the_error_says_what_was_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(TwinAbsent, match="no kernel was run on the CPU"):
        cxx()


def test_a_compiler_without_sanitizers_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "false")
    with pytest.raises(TwinAbsent, match="cannot build with sanitizers"):
        cxx()


@with_cxx
def test_the_order_of_threads_comes_from_the_seed(tmp_path: Path) -> None:
    racing = planted(
        COPY_SLOTS, tmp_path, "to[i] = __ldcv(from + i)", "to[0] = threadIdx.x + __ldcv(from + i)"
    )
    with Twin(racing, built(racing, tmp_path)) as twin:
        last = [twin.run(replace(_one_copy(), seed=seed))["to"] for seed in range(8)]
        again = [twin.run(replace(_one_copy(), seed=seed))["to"] for seed in range(8)]

    assert last == again
    assert len(set(last)) > 1
