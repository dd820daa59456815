"""Tensors whose every use is an access on the simulated device.

They decide what an operation of torch reads and writes: what its schema says. An operation with a
CUDA operand is work in the current stream; one without is done by the host, now. Shapes come from
torch's meta device, values from torch on the CPU when the work executes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kvcheck.watch.audit import Audit, trusted
from kvcheck.watch.errors import NotModelled
from kvcheck.watch.memory import runs
from kvcheck.watch.session import Session
from kvimpl.device.port import Bytes, Kernel, Mode, Space, View


def tensor_class(session: Session) -> Any:
    """The class of this session's tensors."""
    torch = session.torch

    base: Any = torch.Tensor

    class Watched(base):  # type: ignore[misc]
        """A tensor on the simulated device, or in its pinned memory."""

        @staticmethod
        def __new__(cls: Any, memory: Any, meta: Any) -> Any:
            # torch for CPU guards no CUDA device: the tensor only says that it is on one
            self = torch.Tensor._make_wrapper_subclass(
                cls,
                meta.shape,
                strides=meta.stride(),
                storage_offset=meta.storage_offset(),
                dtype=meta.dtype,
                device="cpu",
            )
            self.memory, self.meta, self.session = memory, meta, session
            return self

        @property
        def device(self) -> Any:
            return torch.device("cuda:0" if self.is_cuda else "cpu")

        @property
        def is_cuda(self) -> bool:
            return self.memory.stream is not None

        def record_stream(self, stream: Any) -> None:
            self.memory.noted.append(stream.handle)

        @classmethod
        def __torch_dispatch__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return _dispatch(session, func, args, kwargs or {})

        def __repr__(self) -> str:
            return f"{self.memory.buffer}{tuple(self.shape)}"

    session.wrap = Watched
    return Watched


def views(tensor: Any) -> tuple[View, ...]:
    """The bytes that a watched tensor covers."""
    buffer = tensor.memory.buffer
    return tuple(buffer.view(start, stop) for start, stop in runs(tensor.meta))


def launch(
    session: Session,
    label: str,
    operands: Sequence[tuple[Any, Mode]],
    body: Any,
    *,
    audit: Audit = trusted,
) -> None:
    """Work in the current stream. `body` is given CPU tensors, one an operand, and changes those
    that are written; `audit` runs it, and says what it touched besides."""
    pieces = [(_Layout(tensor), mode, views(tensor)) for tensor, mode in operands]
    flat = [(view, mode) for _, mode, covered in pieces for view in covered]

    def run(arguments: Sequence[Bytes | int]) -> None:
        given = iter(arguments)
        opened = [
            (layout, mode, [next(given) for _ in covered]) for layout, mode, covered in pieces
        ]
        stores = []
        for layout, mode, bytes_ in opened:
            store = bytearray(layout.nbytes)
            for view, piece in zip(layout.covered, bytes_, strict=True):
                if mode.reads:
                    store[view.start : view.stop] = piece.read()  # type: ignore[union-attr]
            stores.append(store)

        def on(stores: Sequence[bytearray]) -> None:
            layouts = [layout for layout, _, _ in opened]
            body([_over(session, *pair) for pair in zip(layouts, stores, strict=True)])

        touched = audit(on, stores, [mode for _, mode, _ in opened])
        for (layout, mode, bytes_), store, more in zip(opened, stores, touched, strict=True):
            for view, piece in zip(layout.covered, bytes_, strict=True):
                if more is not None and more.reads:
                    piece.read()  # type: ignore[union-attr]
                if mode.writes or (more is not None and more.writes):
                    piece.write(bytes(store[view.start : view.stop]))  # type: ignore[union-attr]

    # the body outlives the program's tensors, so it holds their layout and not them
    session.begin()
    kernel = Kernel(label, tuple(mode for _, mode in flat), run)
    session.device.launch(kernel, [view for view, _ in flat], session.current)


class _Layout:
    def __init__(self, tensor: Any) -> None:
        self.meta = tensor.meta
        self.nbytes = tensor.memory.buffer.nbytes
        self.covered = views(tensor)


def _over(session: Session, layout: Any, store: bytearray) -> Any:
    """A CPU tensor over these bytes."""
    meta = layout.meta
    flat = session.torch.frombuffer(store, dtype=meta.dtype)
    return flat.as_strided(meta.shape, meta.stride(), meta.storage_offset())


def _host(session: Session, operands: Sequence[tuple[Any, Mode]], body: Any) -> Any:
    """An operation of the host, now, on pinned memory."""
    layouts = [(_Layout(tensor), mode) for tensor, mode in operands]
    stores = [bytearray(layout.nbytes) for layout, _ in layouts]
    session.begin()
    for (layout, mode), store in zip(layouts, stores, strict=True):
        for view in layout.covered:
            if mode.reads:
                store[view.start : view.stop] = session.device.host_read(view)
    pairs = zip(layouts, stores, strict=True)
    result = body([_over(session, layout, store) for (layout, _), store in pairs])
    for (layout, mode), store in zip(layouts, stores, strict=True):
        for view in layout.covered:
            if mode.writes:
                session.device.host_write(view, bytes(store[view.start : view.stop]))
    return result


def is_watched(value: Any) -> bool:
    """Whether it is a tensor of a watched run."""
    return hasattr(value, "memory") and hasattr(value, "meta")


def _swap(value: Any, found: dict[int, Any]) -> Any:
    """The arguments with each watched tensor replaced."""
    if isinstance(value, (list, tuple)):
        return type(value)(_swap(one, found) for one in value)
    if isinstance(value, dict):
        return {key: _swap(one, found) for key, one in value.items()}
    return found.get(id(value), value)


def _operands(func: Any, args: Any, kwargs: Any) -> Iterator[tuple[Any, Mode]]:
    """Each watched tensor among the arguments with what the schema says is done to it."""
    given = [*zip(func._schema.arguments, args, strict=False)]
    given += [(a, kwargs[a.name]) for a in func._schema.arguments if a.name in kwargs]
    overwrites = func._schema.name in ("aten::copy_", "aten::fill_", "aten::zero_")
    for argument, value in given:
        writes = argument.alias_info is not None and argument.alias_info.is_write
        fresh = argument.is_out or (overwrites and writes)
        mode = Mode.WRITE if fresh else Mode.READ_WRITE if writes else Mode.READ
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if is_watched(one):
                yield one, mode


def _dispatch(session: Session, func: Any, args: Any, kwargs: Any) -> Any:
    operands = list(_operands(func, args, kwargs))
    name = func._schema.name.removeprefix("aten::")
    if name == "copy_":
        return copy(
            session,
            args[0],
            args[1],
            bool((*args, False)[2]) if len(args) > 2 else bool(kwargs.get("non_blocking", False)),
        )
    if name == "detach" or func.is_view:
        metas = {id(t): t.meta for t, _ in operands}
        meta = func(*_swap(args, metas), **_swap(kwargs, metas))
        if not isinstance(meta, session.torch.Tensor):
            raise NotModelled(name, "It makes several views at once.", "Slice them one by one.")
        return session.wrap(operands[0][0].memory, meta)
    if any(t.memory.stream is not None for t, _ in operands):
        return _on_stream(session, func, name, operands, args, kwargs)

    def body(values: list[Any]) -> Any:
        found = {id(t): v for (t, _), v in zip(operands, values, strict=True)}
        return func(*_swap(args, found), **_swap(kwargs, found))

    result = _host(session, operands, body)
    written = [t for t, mode in operands if mode.writes]
    return written[0] if written else result


def _on_stream(
    session: Session, func: Any, name: str, operands: list[tuple[Any, Mode]], args: Any, kwargs: Any
) -> Any:
    if any(t.memory.stream is None for t, _ in operands):
        raise NotModelled(
            f"{name} of CUDA and host tensors together",
            "torch refuses it too, unless the host one is a number.",
            "Copy the host tensor first.",
        )
    if name == "_local_scalar_dense":
        return to_host(session, operands[0][0]).item()
    if name == "_to_copy" and kwargs.get("device") is not None:
        raise NotModelled(name, "It is a copy to another device.", "Use Tensor.to, or copy_.")
    metas = {id(t): t.meta for t, _ in operands}
    try:
        shaped = func(*_swap(args, metas), **_swap(kwargs | _on_meta(kwargs), metas))
    except NotImplementedError as error:
        raise NotModelled(
            name, "The shape of its result depends on values.", "Declare it as a kernel."
        ) from error
    written = [t for t, mode in operands if mode.writes]
    outputs = []
    if not written:
        if not isinstance(shaped, session.torch.Tensor):
            raise NotModelled(name, "It has several results.", "Declare it as a kernel.")
        outputs = [session.allocate(shaped, Space.DEVICE)]
    keep = [id(t) for t, _ in operands]
    plain_args, plain_kwargs = _hollow(args, keep), _hollow(kwargs | _on_cpu(kwargs), keep)

    def body(values: list[Any]) -> None:
        found = {_Slot(i): v for i, v in enumerate(values)}
        result = func(*_fill(plain_args, found), **_fill(plain_kwargs, found))
        if outputs_count:
            values[-1].copy_(result)

    outputs_count = len(outputs)
    every = [*operands, *((t, Mode.WRITE) for t in outputs)]
    launch(session, name, every, body)
    return written[0] if written else outputs[0]


class _Slot(int):
    """Stands for the operand of that number."""


def _hollow(value: Any, keep: list[int]) -> Any:
    """The arguments with slots for tensors, so that queued work keeps no tensor alive."""
    if isinstance(value, (list, tuple)):
        return type(value)(_hollow(one, keep) for one in value)
    if isinstance(value, dict):
        return {key: _hollow(one, keep) for key, one in value.items()}
    return _Slot(keep.index(id(value))) if id(value) in keep else value


def _fill(value: Any, found: dict[Any, Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_fill(one, found) for one in value)
    if isinstance(value, dict):
        return {key: _fill(one, found) for key, one in value.items()}
    return found[value] if isinstance(value, _Slot) else value


def _on_meta(kwargs: Any) -> dict[str, Any]:
    return {"device": "meta"} if kwargs.get("device") is not None else {}


def _on_cpu(kwargs: Any) -> dict[str, Any]:
    return {"device": "cpu"} if kwargs.get("device") is not None else {}


def copy(session: Session, target: Any, source: Any, non_blocking: bool) -> Any:
    """`copy_`: asynchronous between contiguous tensors of one type, on the current stream."""
    both = [t for t in (target, source) if is_watched(t)]
    if not any(t.memory.stream is not None for t in both):
        reads = [(source, Mode.READ)] if is_watched(source) else []
        if not is_watched(target):
            return _host(session, reads, lambda values: target.copy_(values[0]))
        _host(
            session,
            [(target, Mode.WRITE), *reads],
            lambda values: values[0].copy_(values[1] if reads else source),
        )
        return target
    if all(is_watched(t) and t.memory.stream is not None for t in (target, source)):
        launch(
            session,
            "copy_",
            [(target, Mode.WRITE), (source, Mode.READ)],
            lambda values: values[0].copy_(values[1]),
        )
        return target
    alike = target.dtype == source.dtype and target.shape == source.shape
    if not (alike and target.is_contiguous() and source.is_contiguous()):
        raise NotModelled(
            "copy_ between host and device of tensors that differ in type or shape, or are not "
            "contiguous",
            "torch makes temporary buffers for it, which are read at another time.",
            "Copy contiguous tensors of one type.",
        )
    ends = [_end(session, t, is_read=t is source) for t in (target, source)]
    session.begin()
    session.device.copy(ends[0], ends[1], session.current, label="copy_")
    if not non_blocking:
        session.device.synchronize(session.current)
    if not is_watched(target):
        data = session.device.host_read(ends[0])
        target.copy_(
            session.torch.frombuffer(bytearray(data), dtype=target.dtype).view(target.shape)
        )
    return target


def to_host(session: Session, tensor: Any) -> Any:
    """A copy of a CUDA tensor in pageable memory; it waits for the current stream."""
    if not tensor.is_contiguous():
        tensor = tensor.contiguous()  # as torch does: a kernel, and then one copy
    plain = session.torch.empty(tensor.shape, dtype=tensor.dtype)
    return copy(session, plain, tensor, False)


def read(session: Session, tensor: Any) -> Any:
    """A copy of a pinned tensor in pageable memory, read by the host, now."""
    return _host(session, [(tensor, Mode.READ)], lambda values: values[0].clone())


def _end(session: Session, tensor: Any, *, is_read: bool) -> View:
    if is_watched(tensor):
        (view,) = views(tensor)
        return view
    # pageable memory: torch's driver reads it, or fills it, before the call returns
    session.begin()
    nbytes = tensor.numel() * tensor.element_size()
    buffer = session.device.alloc(nbytes, Space.PAGEABLE, label=session.assigned() or "pageable")
    if is_read:
        flat = tensor.contiguous().reshape(-1).view(session.torch.uint8)
        session.device.host_write(buffer.view(), bytes(flat.tolist()))
    return buffer.view()
