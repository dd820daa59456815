"""Every kernel compiles for every architecture, and its PTX keeps off the read-only cache."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from planted_kernels import planted

from kvimpl.device.kernels import COPY_SLOTS, GATHER_BLOCK_OFFSETS, KERNELS, KernelSource
from kvimpl.device.kernels.compile import (
    ARCHITECTURES,
    CompilerAbsent,
    CompileRefused,
    compiled,
    known_architectures,
)
from kvimpl.device.kernels.ptx_lint import UNKNOWN, breaches

LOAD = "__ldcv(rows + (pool * row_count + row) * width + column)"
PLAIN_LOAD = "rows[(pool * row_count + row) * width + column]"


def _absent() -> str:
    try:
        known_architectures()
    except CompilerAbsent as absent:
        return str(absent)
    return ""


ABSENT = _absent()
with_nvrtc = pytest.mark.skipif(
    bool(ABSENT), reason=f"NOT TESTED, no kernel was compiled for any GPU: {ABSENT}"
)


@with_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("source", KERNELS, ids=lambda source: source.entry)
def test_a_kernel_compiles_without_a_warning_and_passes_the_lint(
    source: KernelSource, architecture: str
) -> None:
    made = compiled(source, architecture)

    assert f".target sm_{architecture}" in made.ptx
    assert made.cubin.startswith(b"\x7fELF")
    assert breaches(made) == ()


@with_nvrtc
def test_a_syntax_error_is_reported_with_its_file_and_line(tmp_path: Path) -> None:
    wrong = planted(COPY_SLOTS, tmp_path, "source = __ldcv(pairs", "source = = __ldcv(pairs")
    line = 1 + wrong.text[: wrong.text.index("= =")].count("\n")

    with pytest.raises(CompileRefused) as refused:
        compiled(wrong, "90")

    said = str(refused.value)
    assert f"copy_slots.cu({line}): error:" in said
    assert "Most likely" in said
    assert "Mend the first line" in said


@with_nvrtc
def test_a_warning_is_a_refusal(tmp_path: Path) -> None:
    wrong = planted(COPY_SLOTS, tmp_path, "chunks = 0;", "chunks = 0; int unused_count = 1;")
    with pytest.raises(CompileRefused, match=r"warning.*unused_count"):
        compiled(wrong, "90")


@with_nvrtc
def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CompileRefused, match=r"does not compile for sm_12345.*\b90\b"):
        compiled(COPY_SLOTS, "12345")


def test_without_nvrtc_the_error_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(CompilerAbsent, match="pip install cuda-bindings nvidia-cuda-nvrtc"):
        compiled(COPY_SLOTS, "90")


@with_nvrtc
def test_the_lint_sees_the_read_only_loads_of_device_memory_and_allows_them() -> None:
    assert "ld.global.nc" in compiled(GATHER_BLOCK_OFFSETS, "90").ptx


def _const_restrict(folder: Path) -> KernelSource:
    folder.joinpath("a").mkdir()
    marked = planted(
        GATHER_BLOCK_OFFSETS, folder / "a", "const int *rows", "const int *__restrict__ rows"
    )
    out = planted(marked, folder, "int *out", "int *__restrict__ out")
    return planted(out, folder, LOAD, PLAIN_LOAD)


def _offset_pointer(folder: Path) -> KernelSource:
    apart = "const int *apart = rows + pool * row_count * width;\n        int page = -1;"
    moved = planted(GATHER_BLOCK_OFFSETS, folder, "int page = -1;", apart)
    return planted(moved, folder, LOAD, "__ldg(apart + (unsigned long long)row * width + column)")


def _copied_pointer(folder: Path) -> KernelSource:
    either = "const int *either = pool % 2 ? scales : rows;\n        int page = -1;"
    moved = planted(GATHER_BLOCK_OFFSETS, folder, "int page = -1;", either)
    return planted(moved, folder, LOAD, "__ldg(either + row * width + column)")


def _loop_pointer(folder: Path) -> KernelSource:
    walk = (
        "const int *walk = rows;\n        for (unsigned n = 0; n < column; n++)"
        " walk += scales[n % pool_count];\n        int page = -1;"
    )
    moved = planted(GATHER_BLOCK_OFFSETS, folder, "int page = -1;", walk)
    return planted(moved, folder, LOAD, "__ldg(walk)")


WRONG_READS = (_const_restrict, _offset_pointer, _copied_pointer, _loop_pointer)


@with_nvrtc
@pytest.mark.parametrize("architecture", ["80", "120"])
@pytest.mark.parametrize(
    "plant", [_const_restrict, _offset_pointer, _copied_pointer, _loop_pointer]
)
def test_a_read_only_load_of_mapped_host_memory_is_caught(
    plant: Callable[[Path], KernelSource], architecture: str, tmp_path: Path
) -> None:
    wrong = plant(tmp_path)

    found = breaches(compiled(wrong, architecture))

    assert found
    assert all("rows" in breach.origins for breach in found)
    texts = wrong.text.splitlines()
    assert all("page = " in texts[breach.line - 1] for breach in found)
    assert str(found[0]).startswith(f"gather_block_offsets.cu:{found[0].line}: 'ld.global")


@with_nvrtc
def test_a_read_only_load_of_an_address_out_of_memory_is_of_unknown_origin(tmp_path: Path) -> None:
    table = "const int *held = ((const int *const *)scales)[pool];\n        int page = -1;"
    moved = planted(GATHER_BLOCK_OFFSETS, tmp_path, "int page = -1;", table)
    wrong = planted(moved, tmp_path, LOAD, "__ldg(held + column)")

    (found,) = breaches(compiled(wrong, "90"))

    assert found.origins == (UNKNOWN,)


@with_nvrtc
def test_cp_async_out_of_mapped_host_memory_is_caught(tmp_path: Path) -> None:
    asynchronous = (
        "__shared__ int staged[128];\n"
        "        const unsigned to_staged = __cvta_generic_to_shared(staged + threadIdx.x);\n"
        '        asm volatile("cp.async.ca.shared.global [%0], [%1], 4;\\ncp.async.wait_all;"'
        ' :: "r"(to_staged), "l"(copy_index + sequence) : "memory");\n'
        "        const int row = staged[threadIdx.x];"
    )
    wrong = planted(
        GATHER_BLOCK_OFFSETS,
        tmp_path,
        "const int row = __ldcv(copy_index + sequence);",
        asynchronous,
    )

    (found,) = breaches(compiled(wrong, "80"))

    assert found.origins == ("copy_index",)
    assert found.instruction.startswith("cp.async.ca.shared.global")


@with_nvrtc
def test_ptx_without_the_kernel_is_an_error_and_not_a_pass() -> None:
    made = compiled(COPY_SLOTS, "90")
    with pytest.raises(ValueError, match="no kernel 'copy_blocks'"):
        breaches(replace(made, source=replace(COPY_SLOTS, entry="copy_blocks")))


@with_nvrtc
def test_a_statement_that_the_lint_cannot_read_is_an_error_and_not_a_pass() -> None:
    made = compiled(COPY_SLOTS, "90")
    odd = replace(made, ptx=made.ptx.replace("ret;", "<odd> 1;\n\tret;"))
    with pytest.raises(ValueError, match="cannot be read"):
        breaches(odd)
