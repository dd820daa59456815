"""Calls of torch that copy in passing: `to`, `cuda`, `cpu`, `pin_memory`, `item`, `tolist`.

They decide where the result lives, when its bytes are read, and whether the call waits; the copy is
`tensors.copy`. Where this is from: torch's own documentation of each; `_to_copy` in ATen/native/
TensorConversions.cpp, which pins the result of a `non_blocking` copy off the GPU, so that it may be
read too early; ATen/native/cuda/CUDAScalar.cu, whose `item` copies in the current stream and waits
for that stream, and for no other.
"""

from __future__ import annotations

from typing import Any

from kvcheck.watch.errors import NotModelled
from kvcheck.watch.session import Session
from kvcheck.watch.tensors import copy, is_watched, launch, read, to_host
from kvimpl.device.port import Mode, Space

MOVES = ("to", "cuda", "cpu", "pin_memory", "tolist")


def moved(session: Session, name: str, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What the call returns; torch's own answer where no watched memory comes in."""
    tensor = args[0]
    if name == "tolist":
        if not is_watched(tensor):
            return func(*args, **kwargs)
        return (to_host(session, tensor) if tensor.is_cuda else read(session, tensor)).tolist()
    if name == "pin_memory":
        return _pinned(session, tensor)
    device, dtype, non_blocking, is_copy = _wanted(session, name, args[1:], kwargs)
    dtype = dtype or tensor.dtype
    is_on_gpu = is_watched(tensor) and tensor.is_cuda
    to_gpu = is_on_gpu if device is None else device.type == "cuda"
    if to_gpu is is_on_gpu:
        if not is_watched(tensor):
            return func(*args, **kwargs)
        if dtype == tensor.dtype and not is_copy:
            return tensor
        return _converted(session, tensor, dtype)
    if dtype != tensor.dtype:
        raise NotModelled(
            f"Tensor.{name} to another device and another type",
            "torch makes a temporary buffer for it, which is read at another time.",
            "Change the type first, and move then.",
        )
    if to_gpu:
        made = session.allocate(_like(session, tensor), Space.DEVICE)
        return copy(session, made, tensor, non_blocking)
    if not non_blocking:
        return to_host(session, tensor)
    made = session.allocate(_like(session, tensor), Space.PINNED)
    return copy(session, made, tensor, True)


def _wanted(
    session: Session, name: str, args: Any, kwargs: dict[str, Any]
) -> tuple[Any, Any, bool, bool]:
    """The device and type that are asked for, None for as it is; non-blocking; copy in any case."""
    torch = session.torch
    if name == "cuda":
        given = dict(zip(("device", "non_blocking"), args, strict=False)) | kwargs
        return torch.device("cuda"), None, bool(given.get("non_blocking", False)), False
    if name == "cpu":
        return torch.device("cpu"), None, False, False
    kwargs = dict(kwargs)
    is_copy = bool(kwargs.pop("copy", False))
    if args and is_watched(args[0]):
        args = (args[0].device, args[0].dtype, *args[1:])
    device, dtype, non_blocking, _ = torch._C._nn._parse_to(*args, **kwargs)
    return device, dtype, bool(non_blocking), is_copy


def _pinned(session: Session, tensor: Any) -> Any:
    """The tensor in pinned memory: the host copies it, now."""
    if is_watched(tensor):
        if not tensor.is_cuda:
            return tensor
        raise RuntimeError("cannot pin 'torch.cuda.Tensor': only dense CPU tensors can be pinned")
    return copy(session, session.allocate(_like(session, tensor), Space.PINNED), tensor, False)


def _converted(session: Session, tensor: Any, dtype: Any) -> Any:
    """A copy of that type where the tensor is: by a kernel, or by the host, now."""
    if not tensor.is_cuda:
        return read(session, tensor).to(dtype)
    made = session.allocate(_like(session, tensor, dtype), Space.DEVICE)
    operands = [(made, Mode.WRITE), (tensor, Mode.READ)]
    launch(session, "to", operands, lambda values: values[0].copy_(values[1]))
    return made


def _like(session: Session, tensor: Any, dtype: Any = None) -> Any:
    """A tensor of torch's meta device, with the shape and strides of a copy."""
    meta = tensor.meta if is_watched(tensor) else tensor.to("meta")
    return session.torch.empty_like(meta, dtype=dtype or tensor.dtype)
