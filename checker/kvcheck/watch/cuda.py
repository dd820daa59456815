"""`torch.cuda` for the length of a watched run: streams and events of the simulated device.

It decides which of its names are served; each other one that can be called is refused by name. As
in torch, side streams are not fenced by the default stream, and an event that was never recorded
is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kvcheck.watch.errors import NotModelled
from kvcheck.watch.session import Session
from kvimpl.device.port import Stream as Handle


def cuda_names(session: Session, all_names: list[str]) -> dict[str, Any]:
    """What to put into torch.cuda."""
    names = _classes(session)
    streams = names.streams
    served = {
        "Stream": names.stream,
        "Event": names.event,
        "current_stream": lambda device=None: streams[session.current],
        "default_stream": lambda device=None: streams[session.device.legacy],
        "stream": names.use,
        "StreamContext": names.use,
        "synchronize": lambda device=None: _synchronize(session, None),
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda device: None,
    }
    refused = {name: _refused(f"torch.cuda.{name}") for name in all_names if name not in served}
    return served | refused


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise NotModelled(name, "Its effect on order is not known.", "Leave it out of this run.")

    return refuse


def _synchronize(session: Session, on: Any) -> None:
    session.begin()
    session.device.synchronize(on)


def _classes(session: Session) -> SimpleNamespace:
    streams: dict[Handle, Any] = {}

    class Event:
        """A variable that holds a recording."""

        def __init__(self, enable_timing: bool = False, **_: object) -> None:
            self.handle = session.device.event(session.unique("event"))

        def record(self, stream: Any = None) -> None:
            session.begin()
            session.device.record(self.handle, stream.handle if stream else session.current)

        def wait(self, stream: Any = None) -> None:
            session.begin()
            session.device.wait(stream.handle if stream else session.current, self.handle)

        def query(self) -> bool:
            session.begin()
            return session.device.query(self.handle)

        def synchronize(self) -> None:
            _synchronize(session, self.handle)

        elapsed_time = staticmethod(_refused("Event.elapsed_time"))

    class Stream:
        """A side stream."""

        def __init__(self, device: object = None, priority: int = 0, *, handle: Any = None) -> None:
            self.handle = handle or session.device.stream(session.unique("stream"))
            streams[self.handle] = self

        def record_event(self, event: Any = None) -> Any:
            event = event or Event()
            event.record(self)
            return event

        def wait_event(self, event: Any) -> None:
            event.wait(self)

        def wait_stream(self, stream: Any) -> None:
            self.wait_event(stream.record_event())

        def query(self) -> bool:
            session.begin()
            return session.device.query(self.handle)

        def synchronize(self) -> None:
            _synchronize(session, self.handle)

    class Use:
        """`with torch.cuda.stream(s):`."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __enter__(self) -> None:
            self._before = session.current
            if self._stream is not None:
                session.current = self._stream.handle

        def __exit__(self, *_: object) -> None:
            session.current = self._before

    Stream(handle=session.device.legacy)
    return SimpleNamespace(stream=Stream, event=Event, use=Use, streams=streams)
