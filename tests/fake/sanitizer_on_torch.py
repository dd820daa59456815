"""torch's own stream sanitizer over the fake tier: what it reports of each program and design.

Run as a program by `test_torch_sanitizer.py`. It decides what counts as reported: an error of the
sanitizer in any of the orders; of a query's two answers each must have been met.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

from tier_process import Bench, Programs
from torch_litmus import (
    GUARDS,
    INPUTS,
    QUERY_ORDERS_STREAMS,
    STAGING,
    Inexpressible,
    Said,
    overlapping,
    refuse,
    staged,
)

from kvcheck.litmus import SUITE, Litmus
from kvcheck.litmus.program import Space, Verb, space_of

Row = dict[str, object]

PROGRAMS = Programs()
ORDERS = [(0, 0), (0, 100), *[(seed, 40) for seed in range(12)]]


def watched(bench: Bench, program: Callable[[], object]) -> str:
    "Whether the sanitizer reported the program in some order."
    from torch.cuda._sanitizer import CUDASanitizerErrors

    torch = bench.torch
    for seed, eager in ORDERS:
        bench.fake.order(seed=seed, eager=eager)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                program()
        except CUDASanitizerErrors:
            return "reported"
        finally:
            torch.cuda.synchronize()
    return "silent"


@PROGRAMS.add
def table(bench: Bench) -> object:
    "The rows: name, whether it is racy, what the sanitizer did, and why there is no more to say."
    from torch.cuda._sanitizer import enable_cuda_sanitizer

    enable_cuda_sanitizer()
    rows = [_litmus(bench, name, test) for name, test in SUITE.items()]
    queried = watched(bench, lambda: Said(bench, QUERY_ORDERS_STREAMS).run(QUERY_ORDERS_STREAMS))
    rows.append(_row("query_orders_two_streams", False, queried, "ordered by a query's yes"))
    viewed = watched(bench, lambda: overlapping(bench))
    rows.append(_row("overlapping_views", True, viewed, "the views begin at different addresses"))
    for design, is_racy in {**STAGING, **GUARDS, **INPUTS}.items():
        seen = watched(bench, lambda d=design: staged(bench, d))  # type: ignore[misc]  # bound now
        note = "" if design.startswith("v1") else "the gather is a kernel of the program's own"
        rows.append(_row(f"staging {design}", is_racy, seen, note))
    return {"torch": bench.torch.__version__, "rows": rows}


def _litmus(bench: Bench, name: str, test: Litmus) -> Row:
    program = test.program
    try:
        refuse(program)
    except Inexpressible as why:
        return _row(name, test.is_racy, "not expressible", str(why))
    kernels = [step for step in program.steps if step.verb is Verb.KERNEL]
    is_own = any(space_of(step.source) is Space.PINNED for step in kernels)
    note = "a kernel of the program's own reads pinned memory" if is_own else ""
    return _row(name, test.is_racy, watched(bench, lambda: Said(bench, program).run(program)), note)


def _row(name: str, is_racy: bool, seen: str, note: str) -> Row:
    return {"name": name, "racy": is_racy, "csan": seen, "note": note}


if __name__ == "__main__":
    PROGRAMS.main()
