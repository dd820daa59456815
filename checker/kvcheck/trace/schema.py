"""The first look at a JSON file of ours: its schema, and the version that wrote it.

It decides what a damaged, a foreign and an outdated file are told to be; what is in a file of the
right schema is its reader's to say. The idea: the schema is read before all else, so that a file of
another version is named as such and not as damaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file, and what is said of a file that is not one.

    `others` is what is easily taken for it, `contents` what it holds, in the plural. Sentences say
    what to do: `given` with a file of another kind, `made_again` with a damaged one, `older` with
    one of another schema.
    """

    schema: str
    name: str
    error: type[Exception]
    others: str
    contents: str
    given: str
    made_again: str
    older: str


class _Header(msgspec.Struct):
    schema: str
    tool_version: str = "an unnamed version"


def check_schema(path: Path, data: bytes, kind: Kind) -> None:
    """Whether a file's bytes say that they are of this kind.

    Raises:
        Exception: the kind's own error, in three sentences, if they do not.
    """
    try:
        header = msgspec.json.decode(data, type=_Header)
    except msgspec.ValidationError as error:
        raise kind.error(
            f"{path} is JSON but no {kind.name}: {error}. "
            f"It may be {kind.others}, or a file of another program. {kind.given}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise kind.error(
            f"{path} is damaged: {error}. "
            f"It was cut short or overwritten ({len(data):,} bytes are there). {kind.made_again}"
        ) from error
    if header.schema != kind.schema:
        raise kind.error(
            f"{path} has schema {header.schema!r}, written by kvproof {header.tool_version}; "
            f"this version reads {kind.schema!r}. "
            f"{kind.contents} are not carried over between schemas. {kind.older}"
        )
