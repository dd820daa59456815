"""The rules of the house as functions from one file's path and text to its breaches.

They decide layout and imports, never behaviour; `test_tree.py` applies them to the tree and
`test_rules_bite.py` shows that each can fail. A rule sees one file and knows no exceptions list:
what it permits is in `rooms.py`, so that a change of the plan is a change of that table.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TypeAlias

LINES_MAX = 500
FUNCTION_LINES_MAX = 70
PUBLIC_NAMES_MAX = 25
FORBIDDEN_STEMS = frozenset({"utils", "util", "helpers", "common", "misc", "core", "base"})
MUTABLE_CALLS = frozenset(
    {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "count"}
)
MUTATING_METHODS = frozenset(
    {"append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove"}
    | {"discard", "clear", "appendleft", "popleft"}
)
PROCESS_CALLS = frozenset({"print", "input", "exit", "quit", "breakpoint"})
PROCESS_ATTRIBUTES = frozenset(
    {"sys.exit", "os._exit", "os.abort", "os.environ", "os.getenv", "os.putenv", "sys.argv"}
    | {"sys.stdout", "sys.stderr"}
)


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """One place that breaks one rule."""

    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


Rule: TypeAlias = Callable[[str, str], Iterator[Breach]]


@cache
def syntax(text: str) -> ast.Module:
    """The syntax tree of a file's text, made once for all rules."""
    return ast.parse(text)


def file_is_short(path: str, text: str) -> Iterator[Breach]:
    """No file has more than 500 lines."""
    count = len(text.splitlines())
    if count > LINES_MAX:
        yield Breach(path, LINES_MAX + 1, f"{count} lines, {LINES_MAX} is the most: split the noun")


def functions_are_short(path: str, text: str) -> Iterator[Breach]:
    """No function has more than 70 lines, decorators and docstring included."""
    for node in ast.walk(syntax(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            length = (node.end_lineno or node.lineno) - first + 1
            if length > FUNCTION_LINES_MAX:
                yield Breach(path, first, f"{node.name} has {length} lines, at most 70")


def file_is_named_by_a_noun(path: str, text: str) -> Iterator[Breach]:
    """No part of the path is a name that any code would fit under."""
    parts = PurePosixPath(path).with_suffix("").parts
    for part in parts:
        if part in FORBIDDEN_STEMS:
            yield Breach(path, 1, f"'{part}' names nothing of this domain: name the one noun")


def module_has_docstring(path: str, text: str) -> Iterator[Breach]:
    """Each module says what it is for in its first line."""
    if not (ast.get_docstring(syntax(text)) or "").strip():
        yield Breach(path, 1, "no module docstring: purpose, non-purpose, the one idea")


def public_names_are_few(path: str, text: str) -> Iterator[Breach]:
    """An `__init__` exports at most 25 names."""
    if PurePosixPath(path).name != "__init__.py":
        return
    names = _exported(syntax(text))
    if len(names) > PUBLIC_NAMES_MAX:
        yield Breach(path, 1, f"{len(names)} public names, at most {PUBLIC_NAMES_MAX}")


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and _target_names(node) == ["__all__"]:
            return [str(name) for name in ast.literal_eval(node.value)]
    bound: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            bound += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            bound += _target_names(node)
    return [name for name in bound if not name.startswith("_") and name != "annotations"]


def process_is_left_alone(path: str, text: str) -> Iterator[Breach]:
    """Nothing prints, exits, or reads the environment, the arguments or the standard streams."""
    for node in ast.walk(syntax(text)):
        name = _dotted(node)
        if isinstance(node, ast.Call) and _dotted(node.func) in PROCESS_CALLS:
            yield Breach(path, node.lineno, f"{_dotted(node.func)}() belongs to the command line")
        elif name in PROCESS_ATTRIBUTES:
            yield Breach(path, getattr(node, "lineno", 1), f"{name} belongs to the command line")
        elif isinstance(node, ast.Raise) and _raised(node) == "SystemExit":
            yield Breach(path, node.lineno, "SystemExit belongs to the command line")
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "sys"):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in PROCESS_ATTRIBUTES:
                    says = f"{node.module}.{alias.name} belongs to the command line"
                    yield Breach(path, node.lineno, says)


def no_file_is_opened(path: str, text: str) -> Iterator[Breach]:
    """The spec does no input or output of its own."""
    for node in ast.walk(syntax(text)):
        if isinstance(node, ast.Call) and _dotted(node.func) == "open":
            yield Breach(path, node.lineno, "open(): a spec reads and writes no file")


def modules_hold_no_state(path: str, text: str) -> Iterator[Breach]:
    """No module-level name is rebound or changed once the module is imported.

    A heuristic: a container at module level that is empty, or that some function changes, and any
    `global` statement. A full table that nobody changes is a constant.
    """
    tree = syntax(text)
    changed = _changed_names(tree)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for name in _target_names(node):
                if _is_container(node.value) and (name in changed or _is_empty(node.value)):
                    yield Breach(path, node.lineno, f"module-level state: '{name}' can change")
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Global):
            yield Breach(path, inner.lineno, f"'global {', '.join(inner.names)}': pass it in")


def _changed_names(tree: ast.Module) -> set[str]:
    """Names with an item set, deleted or augmented, or a mutating method called, in a function."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    changed: set[str] = set()
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            changed.add(_dotted(node.value))
        elif isinstance(node, ast.AugAssign):
            changed.add(_dotted(node.target))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in MUTATING_METHODS:
                changed.add(_dotted(node.func.value))
        elif isinstance(node, ast.Call) and _dotted(node.func) == "next" and node.args:
            changed.add(_dotted(node.args[0]))
    return changed


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    return isinstance(value, ast.Call) and _dotted(value.func).split(".")[-1] in MUTABLE_CALLS


def _is_empty(value: ast.expr) -> bool:
    match value:
        case ast.List(elts=[]) | ast.Dict(keys=[]) | ast.Call(args=[], keywords=[]):
            return True
    return isinstance(value, ast.Call) and _dotted(value.func).split(".")[-1] in (
        "defaultdict",
        "count",
    )


def _target_names(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _raised(node: ast.Raise) -> str:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return _dotted(raised) if raised is not None else ""


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""
