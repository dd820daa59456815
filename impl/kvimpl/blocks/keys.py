"""Names of content: a chain of digests, so that a block's key stands for all tokens up to its end.

It decides equality of content, not where content is. The idea: each link is length-prefixed and
starts from the key before it, so that neither [1, 2] | [3] and [1] | [2, 3], nor equal tokens at
two places, nor two tenants, share a key. Keys are compared by digest only: 128 bits of BLAKE2b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from kvimpl.blocks.errors import SizeError
from kvspec.events import Key

KEY_BYTES = 16
TOKEN_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What must be equal besides the tokens: the adapter in use and the tenant's salt."""

    adapter: int = 0
    salt: bytes = b""


def root_key(scope: Scope) -> Key:
    """The key before the first block: equal exactly for equal scopes.

    Raises:
        SizeError: the adapter is not a non-negative 63-bit number.
    """
    _check_number("adapter", scope.adapter)
    return Key(_digest(b"root", scope.adapter.to_bytes(8, "little"), scope.salt))


def chain(parent: Key, tokens: Sequence[int]) -> Key:
    """The key of a full block that follows `parent`: equal exactly for equal parent and tokens.

    Raises:
        SizeError: there are no tokens, or one is not a non-negative 63-bit number.
    """
    if not tokens:
        raise SizeError(
            "A key was asked for a block of no tokens.",
            cause="Only full blocks have keys.",
            mend="Ask for keys by `keys_of`, which leaves out the last, partly filled block.",
        )
    for token in tokens:
        _check_number("token", token)
    return Key(_digest(b"link", parent, b"".join(t.to_bytes(8, "little") for t in tokens)))


def keys_of(tokens: Sequence[int], *, tokens_per_block: int, scope: Scope) -> tuple[Key, ...]:
    """The keys of the full blocks of a sequence, first to last.

    A scheduler that must compute at least one token passes all tokens but the last.

    Raises:
        SizeError: `tokens_per_block` is not positive, or a token is out of range.
    """
    if tokens_per_block < 1:
        raise SizeError(
            f"tokens_per_block is {tokens_per_block}.",
            cause="A block holds at least one token.",
            mend="Pass the model's tokens_per_block, such as 32.",
        )
    keys: list[Key] = []
    parent = root_key(scope)
    for start in range(0, len(tokens) - tokens_per_block + 1, tokens_per_block):
        parent = chain(parent, tokens[start : start + tokens_per_block])
        keys.append(parent)
    return tuple(keys)


def _digest(*fields: bytes) -> bytes:
    digest = blake2b(digest_size=KEY_BYTES)
    for field in fields:
        digest.update(len(field).to_bytes(8, "little"))
        digest.update(field)
    return digest.digest()


def _check_number(name: str, value: int) -> None:
    if not 0 <= value <= TOKEN_MAX:
        raise SizeError(
            f"The {name} {value} is out of range.",
            cause="Placeholders and padding are often negative.",
            mend=f"Pass numbers from 0 to {TOKEN_MAX} as {name}.",
        )
