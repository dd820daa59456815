"""Mistakes in a spec are refused in three sentences that point at the line and column."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kvspec.lang.errors import SpecError

PRELUDE = """\
from __future__ import annotations
from enum import Enum
from typing import Annotated
from kvspec.lang import *
from kvspec.lang.standing import at, kept

class Block(Sort): "A block."
class Slot(Sort): "A slot."
class Level(Enum):
    LOW = 0
    HIGH = 1
class Copy(Record):
    src: Slot
    dst: Slot
LIMIT = Size("LIMIT")
Count = Annotated[int, Range(0, LIMIT)]

class Bad(Machine):
    "A machine with one mistake."
    slot: Map[Block, Slot]
    refs: Map[Block, Count]
    cached: Map[Block, bool]
    free: Map[Level, UniqueFifo[Block]]
    copies: Annotated[Fifo[Copy], Capacity(2)]
    held: Map[Block, Set[Slot]]
    home: Constant[Block, Slot]
    note: Ghost[Map[Block, bool]]

    @init
    def start(self) -> None:
        "Start."
        self.refs[next(b for b in Block)] = 0
"""

TAIL = """
    @classmethod
    def instance(cls):
        return cls.trace(sizes={"Block": 2, "Slot": 2, "LIMIT": 1}, constants={"home": [0, 1]})
"""


def action(body: str, parameters: str = "b: Block") -> str:
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    return f"\n    @action\n    def act(self, {parameters}) -> None:\n{lines}"


def prop(body: str) -> str:
    return f"\n    @lemma\n    def fact(self) -> bool:\n        return {body}\n"


def thread(body: str) -> str:
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    return f"\n    @thread\n    def run(self):\n{lines}"


def fact(body: str) -> str:
    return STEPS + prop(body)


STEPS = """
    @thread
    def walk(self, s: Slot):
        b: Block = next(b for b in Block)
        yield "first"
        if self.cached[b]:
            level: Level = Level.LOW
            yield "second"
        yield "third"
"""

AGAIN = "\n    def again(self, b: Block) -> None:\n        self.again(b)\n"

# (name, source, the text the position points at, words of the message)
CASES = [
    ("sorts_mix", action("self.slot[b] = b"), "self.slot[b] = b", "Ids of different sorts"),
    ("sorts_compared", action('require("x", self.slot[b] == b)'), "self.slot[b] == b", "compares"),
    ("wrong_index", action("self.refs[self.slot[b]] = 0"), "self.slot[b]]", "indexed by a Block"),
    ("id_as_number", action("self.refs[b] = b + 1"), "b + 1", "an int is needed"),
    ("bool_and_int", action("self.cached[b] = 1"), "self.cached[b] = 1", "nor do bools and ints"),
    ("unknown_name", action("self.refs[b] = nothing"), "nothing", "not defined"),
    ("unknown_state", action("self.reffs[b] = 0"), "self.reffs", "has no `reffs`"),
    ("unknown_operation", action("self.free[Level.LOW].append(b)"), "self.free", "no operation"),
    ("endless", action("while self.cached[b]:\n    self.cached[b] = False"), "while", "must end"),
    ("late_guard", action('self.refs[b] = 0\nrequire("x", True)'), "require", "after an effect"),
    ("guard_in_loop", action('for c in Block:\n    require("x", self.cached[c])'), "require",
     "in a loop"),
    ("nameless_guard", action("require(self.cached[b])"), "require", "no name for its condition"),
    ("effect_inside", action("x = self.copies.pop().src == self.slot[b]"), "self.copies.pop()",
     "changes the state inside an expression"),
    ("effect_in_quantifier", prop("all(self.copies.pop().src == s for s in Slot)"),
     "self.copies.pop()", "changes the state"),
    ("failure_in_property", prop("self.cached[self.free[Level.LOW].front]"),
     "self.free[Level.LOW].front", "can fail inside a quantifier or property"),
    ("not_a_bool", prop("self.refs[next(b for b in Block)]"), "next(", "can fail inside"),
    ("property_of_int", prop("sum(self.refs[b] for b in Block)"), "def fact", "not a bool"),
    ("condition_needed", action('require("x", self.refs[b])'), "self.refs[b]", "not a condition"),
    ("identity", action('require("x", self.slot[b] is None)'), "self.slot[b] is", "identity"),
    ("unbounded_range", action("for k in range(self.refs[b]):\n    pass"), "range", "fixed bounds"),
    ("list_literal", action("x = [b]"), "[b]", "no expression of the spec language"),
    ("loop_carried", action("x = 0\nfor c in Block:\n    x = 1"), "x = 1", "bound again inside"),
    ("undecided", action("if self.cached[b]:\n    x = 1\nself.refs[b] = x"), "x", "branches above"),
    ("walk_and_change", action("for c in self.copies:\n    self.copies.pop()"), "for c", "changes"),
    ("record_fields", action("self.copies.push(Copy(src=self.slot[b]))"), "Copy(", "by name"),
    ("wrong_element", action("self.copies.push(self.slot[b])"), "self.slot[b])", "not a Copy"),
    ("untyped_parameter", action("pass", "b"), "b)", "has no type"),
    ("ghost_decides", action('require("x", self.note[b])'), "require", "ghost"),
    ("ghost_leaks", action("self.cached[b] = self.note[b]"), "self.cached", "ghost"),
    ("constant_assigned", action("self.home[b] = self.slot[b]"), "self.home[b] =", "Only cells"),
    ("recursion", action("self.again(b)") + AGAIN, "self.again(b)", "calls itself"),
    ("after_yield", thread("x = len(self.copies)\nyield\nassert x == 0"), "x == 0",
     "bound before a `yield`"),
    ("no_yield_in_loop", thread("while True:\n    self.refs[next(b for b in Block)] = 0"), "while",
     "without a yield"),
    ("bad_label", thread('yield "two words"'), 'yield "two words"', "cannot name a step"),
    ("no_such_place", fact('all(at(self.walk(s), "fourth") for s in Slot)'), '"fourth"',
     "no place 'fourth'. It stands at start, first, second, third, done."),
    ("no_such_thread", fact('at(self.run(), "first")'), "self.run()", "no thread run. It has walk"),
    ("no_thread_named", fact('at(self.walk, "first")'), "at(self.walk,", "named by calling it"),
    ("which_thread", fact('at(self.walk(), "first")'), "self.walk()", "which walk is meant"),
    ("wrong_thread_id", fact('all(at(self.walk(b), "first") for b in Block)'), "b),",
     "Ids of different sorts"),
    ("place_not_written", fact("all(at(self.walk(s), s) for s in Slot)"), "s)",
     "not written out as a string"),
    ("no_such_own", fact('all(kept(self.walk(s), "c", Block) == b for s in Slot for b in Block)'),
     '"c"', "no variable 'c' of its own. It has b, level"),
    ("kept_nowhere_said",
     fact('all(kept(self.walk(s), "b", Block) == b for s in Slot for b in Block)'),
     "kept(", "need not keep b at start, done. It surely keeps b at first, second, third"),
    ("kept_on_one_way_only",
     fact('all(at(self.walk(s), "third") and kept(self.walk(s), "level", Level) == Level.LOW'
          ' for s in Slot)'),
     "kept(", "need not keep level at third. It surely keeps level at second"),
    ("kept_of_another",
     fact('all(at(self.walk(s), "first") and kept(self.walk(t), "b", Block) == b'
          ' for s in Slot for t in Slot for b in Block)'),
     "kept(", "need not keep b at start, done"),
    ("kept_of_another_kind",
     fact('all(at(self.walk(s), "first") and kept(self.walk(s), "b", Slot) == s for s in Slot)'),
     "Slot)", "is a Block, not a Slot"),
    ("kept_of_no_kind",
     fact('all(at(self.walk(s), "first") and kept(self.walk(s), "b", s) == b'
          ' for s in Slot for b in Block)'),
     "s) ==", "no kind of value"),
    ("at_in_a_guard", STEPS + action('require("x", at(self.walk(self.slot[b]), "first"))'),
     "at(self.walk", "outside a fact"),
    ("at_in_a_thread", STEPS + thread('yield "one"\nself.cached[next(b for b in Block)] = '
     'at(self.walk(next(s for s in Slot)), "first")'), "at(self.walk", "outside a fact"),
    ("try_statement", action("try:\n    pass\nfinally:\n    pass"), "try", "one atomic step"),
]  # fmt: skip


def load(source: str, folder: Path, name: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "source", "pointed", "words"), CASES, ids=[c[0] for c in CASES])
def test_a_mistake_is_refused_where_it_stands(
    name: str, source: str, pointed: str, words: str, tmp_path: Path
) -> None:
    text = PRELUDE + source + TAIL
    module = load(text, tmp_path, f"bad_{name}")

    with pytest.raises(SpecError) as caught:
        module.Bad.instance()

    error = caught.value
    assert words in str(error)
    assert error.at is not None
    line = text.splitlines()[error.at.line - 1]
    assert line[error.at.column - 1 :].startswith(pointed), (error.at, line)
    assert str(error).startswith(f"{error.at.file}:{error.at.line}:{error.at.column}: ")
    assert re.search(r"[.] .*[.] .*[.]$", str(error)), "three sentences"


ANNOTATIONS = [
    ("plain_int", "x: int", "no bounds"),
    ("fifo_without_capacity", "x: Fifo[Block]", "no capacity"),
    ("string", "x: str", "no type of the spec language"),
    ("queue_as_key", "x: Map[UniqueFifo[Block], bool]", "one value is needed"),
    ("unique_ints", "x: UniqueFifo[bool]", "does not hold ids of a sort"),
    ("unknown_type", "x: Map[Blok, bool]", "names 'Blok'"),
]


@pytest.mark.parametrize(
    ("name", "annotation", "words"), ANNOTATIONS, ids=[c[0] for c in ANNOTATIONS]
)
def test_a_wrong_annotation_is_refused_where_it_stands(
    name: str, annotation: str, words: str, tmp_path: Path
) -> None:
    text = PRELUDE.replace("    refs: ", f"    {annotation}\n    refs: ") + action("pass") + TAIL
    module = load(text, tmp_path, f"bad_annotation_{name}")

    with pytest.raises(SpecError, match=re.escape(words)) as caught:
        module.Bad.instance()

    assert caught.value.at is not None
    assert text.splitlines()[caught.value.at.line - 1].strip() == annotation


def test_a_machine_without_actions_is_refused(tmp_path: Path) -> None:
    module = load(PRELUDE + TAIL, tmp_path, "bad_no_action")

    with pytest.raises(SpecError, match="no @action"):
        module.Bad.instance()


def test_constants_must_keep_their_assumption(tmp_path: Path) -> None:
    source = (
        PRELUDE
        + action("pass")
        + "\n    @assume\n    def apart(self) -> bool:\n"
        + "        return all(self.home[a] != self.home[b]\n"
        + "                   for a in Block for b in Block if a != b)\n"
        + TAIL.replace("[0, 1]", "[0, 0]")
    )
    module = load(source, tmp_path, "bad_assumption")

    with pytest.raises(SpecError, match="break the assumption apart"):
        module.Bad.instance()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('sizes={"Block": 2, "Slot": 2}', "no size for LIMIT"),
        ('sizes={"Block": -1, "Slot": 2, "LIMIT": 1}', "is -1"),
        ('sizes={"Block": 2, "Slot": 2, "LIMIT": 1}', "no table for the constant home"),
        ('sizes={"Block": 0, "Slot": 2, "LIMIT": 1}, constants={"home": []}', "no Block at all"),
        ('sizes={"Block": 2, "Slot": 2, "LIMIT": 1}, constants={"home": [0]}', "has 1 values"),
        ('sizes={"Block": 2, "Slot": 2, "LIMIT": 1}, constants={"home": [0, 9]}', r"[9] outside"),
    ],
)
def test_an_incomplete_instance_is_refused(given: str, words: str, tmp_path: Path) -> None:
    tail = re.sub(r"cls.trace\(.*\)", f"cls.trace({given})", TAIL)
    name = f"bad_instance_{abs(hash(given))}"
    module = load(PRELUDE + action("pass") + tail, tmp_path, name)

    with pytest.raises(SpecError, match=re.escape(words)):
        module.Bad.instance()
