"""A kernel of the program's own, declared by what it reads and writes.

It decides which operands a declared kernel touches. Under watch it is work in the current stream,
and the function's body, or its twin, is what the kernel does to CPU tensors; what that does besides
the declaration is a finding. Anywhere else the function is called as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from kvcheck.watch.audit import audited
from kvcheck.watch.tensors import is_watched, launch
from kvimpl.device.port import Mode


def kernel(
    *,
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = (),
    twin: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function that launches a kernel on torch's current stream.

    `reads` and `writes` name its parameters; `twin` does to CPU tensors what the kernel does, and
    is needed where the function itself cannot run on them. Raises: ValueError for a parameter that
    it does not have; TypeError, at the call, for a watched tensor that is not declared.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        unknown = sorted({*reads, *writes} - set(signature.parameters))
        if unknown:
            raise ValueError(
                f"kernel '{function.__name__}' has no parameter {', '.join(unknown)}. Its "
                f"declaration names what it does not take. Its parameters are "
                f"{', '.join(signature.parameters)}."
            )

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            watched = {name: v for name, v in given.items() if is_watched(v)}
            if not watched:
                return function(*args, **kwargs)
            silent = sorted(set(watched) - {*reads, *writes})
            if silent:
                raise TypeError(
                    f"kernel '{function.__name__}' was given tensors as {', '.join(silent)}, which "
                    "it does not declare. An access that is not declared is not watched. Name it "
                    "in reads or in writes."
                )
            rest = {name: v for name, v in given.items() if name not in watched}
            names = list(watched)

            def body(values: list[Any]) -> None:
                (twin or function)(**rest, **dict(zip(names, values, strict=True)))

            operands = [(v, _mode(name, reads, writes)) for name, v in watched.items()]
            session = next(iter(watched.values())).session
            launch(session, function.__name__, operands, body, audit=audited)
            return None

        return call

    return declare


def _mode(name: str, reads: tuple[str, ...], writes: tuple[str, ...]) -> Mode:
    if name in writes:
        return Mode.READ_WRITE if name in reads else Mode.WRITE
    return Mode.READ
