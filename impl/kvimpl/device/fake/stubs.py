"""Stub libraries for what an installed torch wants of CUDA and the fake does not have.

They decide nothing: each function refuses under its own name. The idea: the names are read from the
installed wheel (`nm`, `readelf`), so that a new torch is followed by reading it; nothing of CUDA is
copied. A name with a version belongs to the library of that version; one without goes anywhere.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kvimpl.device.fake.build import CompilerMissing, library

CUDA = re.compile(r"lib(cu|nv|nccl)")
EXPORTED = 'extern "C" __attribute__((visibility("default")))'
NAME = re.compile(r"_*(cuda|cu|nccl|nvrtc|nvshmem|nvml)[A-Za-z]")
VERSION_FILE = re.compile(r"File: (\S+)")
VERSION_NAME = re.compile(r"Name: (\S+)")
NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a folder of libraries wants of others: names by library and version, and bare names."""

    libraries: tuple[str, ...]
    versioned: dict[tuple[str, str], tuple[str, ...]]
    bare: tuple[str, ...]

    def of(self, name: str) -> dict[str, tuple[str, ...]]:
        """The names wanted of one library, by version."""
        return {version: names for (file, version), names in self.versioned.items() if file == name}


def wanted(folder: Path) -> Wanted:
    """What the libraries in the folder want of CUDA's libraries, which are not there.

    Raises:
        CompilerMissing: `nm` or `readelf` is not installed.
    """
    files = sorted(folder.glob("*.so"))
    there = {file.name for file in folder.iterdir()}
    needed: set[str] = set()
    names: dict[tuple[str, str], set[str]] = {}
    bare: set[str] = set()
    for file in files:
        needed |= set(NEEDED.findall(_said("readelf", "-d", file))) - there
        owner = dict(_versions(_said("readelf", "-V", file)))
        for line in _said("nm", "-D", "--undefined-only", file).splitlines():
            name, _, version = line.split()[-1].partition("@")
            version = version.lstrip("@")
            if CUDA.match(owner.get(version, "")):
                names.setdefault((owner[version], version), set()).add(name)
            elif not version and NAME.match(name):
                bare.add(name)
    libraries = tuple(sorted(name for name in needed if CUDA.match(name)))
    ordered = {key: tuple(sorted(found)) for key, found in sorted(names.items())}
    return Wanted(libraries, ordered, tuple(sorted(bare)))


def stub(
    folder: Path,
    name: str,
    want: Wanted,
    *,
    but: Iterable[str] = (),
    sources: tuple[Path, ...] = (),
) -> Path:
    """The library `name` with every function that is wanted of it, but those in its sources.

    Raises:
        CompilerMissing: no compiler, or it failed.
    """
    has = set(but)
    versions = want.of(name)
    bare = want.bare if name == want.libraries[0] else ()
    functions = sorted({f for names in versions.values() for f in names} - has) + sorted(bare)
    text = [f"#define CUDA {EXPORTED}", "CUDA int fake_refused(const char*);"]
    text += [f'CUDA int {f}() {{ return fake_refused("{f}"); }}' for f in functions]
    maps = [
        f"{version} {{ global: {' '.join(f'{f};' for f in names)} }};\n"
        for version, names in versions.items()
    ]
    place = folder / "stubs"
    place.mkdir(parents=True, exist_ok=True)
    made, versions_file = place / f"{name}.cpp", place / f"{name}.map"
    _replace(made, "\n".join(text) + "\n")
    flags: tuple[str, ...] = ()
    if maps:
        _replace(versions_file, "".join(maps))
        flags = (f"-Wl,--version-script={versions_file}",)
    reads = (versions_file,) if maps else ()
    return library(folder, name, (*sources, made), reads=reads, flags=flags)


def defined(source: Path) -> frozenset[str]:
    """The names of CUDA that a source defines at the start of a line."""
    text = source.read_text(encoding="utf-8")
    return frozenset(re.findall(r"^[a-z][\w ]*?\**\s(_*cuda[A-Z]\w*)\(", text, re.MULTILINE))


def _versions(text: str) -> Iterator[tuple[str, str]]:
    """Each version that is wanted, and the library that it is wanted of."""
    file = ""
    for line in text.splitlines():
        if found := VERSION_FILE.search(line):
            file = found[1]
        elif found := VERSION_NAME.search(line):
            yield found[1], file


def _replace(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _said(tool: str, *arguments: object) -> str:
    try:
        ended = subprocess.run(
            [tool, *map(str, arguments)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise CompilerMissing(
            f"'{tool}' could not read {arguments[-1]} ({error}). It belongs to the binutils, which "
            "come with a compiler. Install them."
        ) from error
    return ended.stdout
