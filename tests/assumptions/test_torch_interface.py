"""What the torch runtime takes for torch's interface, held against the torch that is installed.

A torch for CPU has the same classes and the same signatures. What the calls do needs a GPU: see
`tests/gpu`.
"""

from __future__ import annotations

import inspect

import pytest

torch = pytest.importorskip("torch", reason="no torch: its interface is not looked at")


def test_streams_events_and_the_device_are_called_as_torch_names_them() -> None:
    assert "device" in inspect.signature(torch.cuda.Stream.__new__).parameters
    assert "stream" in inspect.signature(torch.cuda.Event.record).parameters
    assert "event" in inspect.signature(torch.cuda.Stream.wait_event).parameters
    assert hasattr(torch.cuda.Stream, "query")
    # The attribute itself is in the C++ base, which a torch for CPU does not have.
    assert "self.cuda_stream" in inspect.getsource(torch.cuda.Stream)
    for name in ("query", "synchronize"):
        assert hasattr(torch.cuda.Event, name)
    for name in ("default_stream", "set_device", "stream", "is_available", "OutOfMemoryError"):
        assert hasattr(torch.cuda, name)
    assert issubclass(torch.cuda.OutOfMemoryError, RuntimeError)


def test_a_cuda_error_has_a_code_where_torch_has_the_class() -> None:
    error = getattr(torch, "AcceleratorError", None)
    assert error is None or issubclass(error, RuntimeError)


def test_slices_of_a_row_of_bytes_are_contiguous_views_at_their_offset() -> None:
    row = torch.empty(8, dtype=torch.uint8)
    part = row[2:6]
    assert part.is_contiguous()
    assert part.data_ptr() == row.data_ptr() + 2
    row.copy_(torch.full((8,), 1, dtype=torch.uint8))
    part.copy_(torch.full((4,), 7, dtype=torch.uint8), non_blocking=True)
    assert row.tolist() == [1, 1, 7, 7, 7, 7, 1, 1]
    assert not row.is_cuda


def test_a_copy_between_host_tensors_is_made_at_once() -> None:
    one = torch.zeros(4, dtype=torch.uint8)
    one.copy_(torch.ones(4, dtype=torch.uint8), non_blocking=True)
    assert one.tolist() == [1, 1, 1, 1], "so the runtime must not leave such a copy to torch"
