"""Where watched tensors come from: torch's factories, asked for CUDA or for pinned memory.

It decides which calls of torch begin a life; other calls pass to torch, where a watched operand is
met by its own class.
"""

from __future__ import annotations

from typing import Any

from kvcheck.watch.errors import NotModelled
from kvcheck.watch.moves import MOVES, moved
from kvcheck.watch.session import Session
from kvcheck.watch.tensors import copy, is_watched, launch
from kvimpl.device.port import Mode, Space

UNWRITTEN = ("empty", "empty_strided", "empty_like")
MAKERS = (
    *UNWRITTEN,
    *("zeros", "ones", "full", "arange", "tensor", "rand", "randn", "randint"),
    *("zeros_like", "ones_like", "full_like"),
)
RAW = ("numpy", "data_ptr", "untyped_storage", "storage", "share_memory_", "__array__")


def factory_mode(session: Session) -> Any:
    """The mode that the block runs in."""
    torch = session.torch
    makers = {getattr(torch, name): name for name in MAKERS}

    base: Any = torch.overrides.TorchFunctionMode

    class Factories(base):  # type: ignore[misc]
        """Sees each call of torch first."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = dict(kwargs or {})
            if func in makers:
                return _made(session, func, makers[func], args, kwargs)
            name = getattr(func, "__name__", "")
            first: Any = args[0] if args else None
            if is_watched(first):
                if name in RAW:
                    raise NotModelled(
                        f"Tensor.{name}",
                        "Uses of the raw bytes are not seen.",
                        "Use the tensor itself, or copy_ it to a plain one.",
                    )
                if name == "is_pinned":
                    return first.memory.stream is None
            if name in MOVES and isinstance(first, torch.Tensor):
                return moved(session, name, func, args, kwargs)
            return func(*args, **kwargs)

    return Factories()


def _made(session: Session, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    torch = session.torch
    device = str(kwargs.get("device") or "cpu")
    like = args[0] if name.endswith("_like") else None
    if like is not None and is_watched(like):
        if kwargs.get("device") is None and like.memory.stream is not None:
            device = "cuda"
        args = (torch.empty_strided(like.shape, like.stride(), dtype=like.dtype), *args[1:])
    pinned = bool(kwargs.pop("pin_memory", False))
    if not pinned and not device.startswith("cuda"):
        return func(*args, **kwargs)
    value = func(*args, **{**kwargs, "device": "cpu"})
    meta = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    space = Space.DEVICE if device.startswith("cuda") else Space.PINNED
    made = session.allocate(meta, space)
    if name not in UNWRITTEN:
        if space is Space.DEVICE:
            fill(session, made, value, name)
        else:
            copy(session, made, value, False)
    return made


def fill(session: Session, made: Any, value: Any, name: str) -> None:
    """Set a new CUDA tensor in the order of the current stream."""
    launch(session, name, [(made, Mode.WRITE)], lambda values: values[0].copy_(value))
