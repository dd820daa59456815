"""Which checker and which Z3 an answer comes from: two texts that stand in every cache key.

It decides when an old answer is stale because the tool changed. Neither needs Z3 to be loaded, so
that a run which finds everything in the cache never does.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import kvspec.lang


def z3_version() -> str:
    """The installed Z3's version, or "absent"."""
    try:
        return version("z3-solver")
    except PackageNotFoundError:
        return "absent"


def checker_digest() -> str:
    """A digest of the sources that decide an answer: the IR's meaning and the solving engines."""
    solve = Path(__file__).parent
    language = Path(str(kvspec.lang.__file__)).parent
    digest = hashlib.sha256()
    names = ("types.py", "ir.py", "state.py", "concrete.py")
    paths = [*sorted(solve.glob("*.py")), solve.parent / "trace" / "path.py"]
    for path in [*paths, *(language / name for name in names)]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
