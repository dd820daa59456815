"""The syntax trees of a spec's files: which lines a method or an annotation stands on.

It decides how source text is found, once a file; it interprets nothing. Trees are of whole files,
so every node's line and column are the file's own. They are read, never changed.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from kvspec.lang.errors import SpecError
from kvspec.lang.ir import Position


@dataclass(frozen=True)
class Source:
    """One method: its syntax tree, its file, and the names of its module."""

    tree: ast.FunctionDef
    file: str
    globals: Mapping[str, Any]  # Any: whatever a module holds

    def at(self, node: ast.AST) -> Position:
        """The node's place in the file."""
        line = getattr(node, "lineno", self.tree.lineno)
        column = getattr(node, "col_offset", self.tree.col_offset)
        return Position(self.file, line, column + 1)


@dataclass
class Library:
    """The files read so far; one library serves one tracing."""

    trees: dict[str, ast.Module] = field(default_factory=dict)
    methods: dict[tuple[str, int], ast.FunctionDef] = field(default_factory=dict)

    def _tree(self, file: str, wanted: str) -> ast.Module:
        if not (lines := linecache.getlines(file)):
            raise SpecError(
                f"The source text of {wanted} cannot be read.",
                cause="A spec is translated from its text, and this one has no file.",
                mend="Write the machine in a Python file and import it.",
            )
        if file not in self.trees:
            self.trees[file] = ast.parse("".join(lines))
            for node in ast.walk(self.trees[file]):
                if isinstance(node, ast.FunctionDef):
                    decorated = node.decorator_list[0] if node.decorator_list else node
                    self.methods[file, decorated.lineno] = node
        return self.trees[file]

    def method(self, function: Callable[..., object]) -> Source:
        """A method's syntax tree."""
        code: CodeType = getattr(function, "__code__")  # noqa: B009  # every function has one
        self._tree(code.co_filename, function.__qualname__)
        node = self.methods.get((code.co_filename, code.co_firstlineno))
        if node is None:
            raise SpecError(
                f"{function.__qualname__} is not on line {code.co_firstlineno} of its file.",
                cause=f"{code.co_filename} changed after it was imported.",
                mend="Start again.",
            )
        cells = getattr(function, "__closure__", None) or ()
        inner = {n: c.cell_contents for n, c in zip(code.co_freevars, cells, strict=True)}
        scope = {**getattr(function, "__globals__", {}), **inner}
        return Source(node, code.co_filename, scope)

    def annotations(self, owner: type) -> Iterator[tuple[str, Position]]:
        """The annotated attributes that a class itself declares, and where."""
        if not inspect.get_annotations(owner):
            return
        file = inspect.getsourcefile(owner) or "?"
        for node in ast.walk(self._tree(file, owner.__name__)):
            if isinstance(node, ast.ClassDef) and node.name == owner.__name__:
                for part in node.body:
                    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                        at = Position(file, part.lineno, part.col_offset + 1)
                        yield part.target.id, at
