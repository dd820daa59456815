"""A pin service that answers on a thread of its own until it is stopped."""

from __future__ import annotations

import threading

from service_bench import Bench

from kvimpl.service import PinServer


class Running:
    "A server that answers on a thread of its own until it is stopped."

    def __init__(self, bench: Bench, **options: object) -> None:
        self.bench = bench
        self.server = PinServer(bench.desk, **options)  # type: ignore[arg-type]
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self.server.serve, args=(self._over.is_set,), kwargs={"look_ms": 5}
        )
        self._thread.start()

    def stop(self) -> int:
        "Its thread is over; how many leases were out."
        self._over.set()
        self._thread.join()
        return self.server.close()
