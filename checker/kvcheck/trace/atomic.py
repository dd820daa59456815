"""A file that is either wholly written or not there: written aside, flushed, then renamed.

It decides how bytes reach the disk, not what they say. A reader never sees half a file, and what
stood there before stays until the new one is complete.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path


class WriteError(Exception):
    """The file could not be written; the old one, if any, is untouched."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step; raises `WriteError` and leaves no half file."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = str(path.parent / f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        temporary = aside
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise WriteError(_explain(path, len(data), error)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _explain(path: Path, size: int, error: OSError) -> str:
    what = f"{path} was not written ({size:,} bytes): {error.strerror or error}."
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return (
                f"{what} The disk is full; whatever stood there before is unchanged. "
                "Free some space, or name a file on another disk."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return (
                f"{what} The directory does not let this user write; nothing was changed. "
                "Change its permissions, or name another file."
            )
        case _:
            return (
                f"{what} The path cannot hold a file; nothing was changed. "
                "Name a file in a directory that exists."
            )
