"""A torch program in a file, run as a new process would run it, time and again.

It decides what is forgotten between two runs: the program's own module, every module that it
imported from its own folder, and what it did to `sys.argv` and `sys.path`. So a run starts from the
same state, and buffers that a module holds are those of one run. Other packages stay loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType


class ProgramError(Exception):
    """There is no such program; three sentences."""


class Exited(Exception):
    """The program ended itself with a status that is not success."""


@dataclass(frozen=True, slots=True)
class Program:
    """A file, the function in it that is called (none: the file is run as a script), its words."""

    path: Path
    function: str = ""
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path.name}:{self.function}" if self.function else self.path.name

    def __call__(self) -> None:
        """Run it. Raises: what it raises; Exited."""
        module = ModuleType(self.path.stem if self.function else "__main__")
        module.__file__ = str(self.path)
        code = compile(self.path.read_bytes(), str(self.path), "exec")
        with _as_started(self, module):
            try:
                exec(code, module.__dict__)
                if self.function:
                    getattr(module, self.function)(*self.words)
            except SystemExit as exit_:
                if exit_.code not in (None, 0):
                    raise Exited(f"exit({exit_.code!r})").with_traceback(
                        exit_.__traceback__
                    ) from None


def program_of(name: str, words: tuple[str, ...]) -> Program:
    """The program that `PATH` or `PATH:FUNCTION` names. Raises: ProgramError."""
    file, _, function = name.partition(":")
    path = Path(file)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ProgramError(
            f"{path} cannot be read: {error.strerror or error}. The name is wrong, or the file is "
            "not readable. Give the path of a Python file, or path:function."
        ) from error
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        raise ProgramError(
            f"{path} is no Python: {error}. It has a mistake, or is a file of another kind. Mend "
            "it, or give another."
        ) from error
    if function and function not in code.co_names:
        raise ProgramError(
            f"{path} has no function {function!r}. Its name is misspelt, or it is inside another. "
            + _others(code)
        )
    return Program(path.resolve(), function, words)


def torch_is_there() -> bool:
    """Whether torch is installed, of whatever build."""
    return find_spec("torch") is not None


@contextmanager
def _as_started(program: Program, module: ModuleType) -> Iterator[None]:
    argv, path, modules = sys.argv, sys.path, dict(sys.modules)
    folder = program.path.parent
    sys.argv = [str(program.path), *program.words]
    sys.path = [str(folder), *path]
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.argv, sys.path = argv, path
        for name, loaded in tuple(sys.modules.items()):
            file = getattr(loaded, "__file__", None)
            if name not in modules and file and folder in Path(file).parents:
                del sys.modules[name]
        if module.__name__ in modules:
            sys.modules[module.__name__] = modules[module.__name__]
        else:
            sys.modules.pop(module.__name__, None)


def _others(code: CodeType) -> str:
    """What to give instead."""
    names = sorted(_functions(code.co_consts))
    return f"It has {', '.join(names)}." if names else "It has none: name the file alone to run it."


def _functions(constants: tuple[object, ...]) -> list[str]:
    names = [getattr(one, "co_name", "") for one in constants]
    return [name for name in names if name.isidentifier()]
