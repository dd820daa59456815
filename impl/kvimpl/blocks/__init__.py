"""The block manager over two levels of memory: what one would ship.

It holds names; `BlockManager` is the place to start, and `docs/manager.md` the page to read.
"""

from __future__ import annotations

from kvimpl.blocks.errors import BlockError, Broken, DeviceFault, NoFreeBlock, PoolTooLarge
from kvimpl.blocks.handles import BlockHandle, Miss, PinReceipt, Stored
from kvimpl.blocks.keys import Scope, chain, keys_of, root_key
from kvimpl.blocks.manager import BlockManager
from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.settings import Keep, PoolSettings, QueueDesign

__all__ = [
    "BlockError",
    "BlockHandle",
    "BlockManager",
    "BlockPool",
    "Broken",
    "DeviceFault",
    "Keep",
    "Miss",
    "NoFreeBlock",
    "PinReceipt",
    "PoolSettings",
    "PoolTooLarge",
    "QueueDesign",
    "Scope",
    "Stored",
    "chain",
    "keys_of",
    "root_key",
]
