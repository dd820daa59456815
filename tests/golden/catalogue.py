"""The catalogue of public bugs that the designs have words for, and the table of docs/catalogue.md.

It decides which bugs here are which entry, and says why where one is missing; lengths and kills are
read from the registries and the search. The idea: an entry names the features that a design must
have to say it, so that a tag settles which table it is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kvcheck.cli.copy_kills import expected_copies
from kvcheck.cli.manager_kills import claims
from kvcheck.explore import Engine, Options, explore
from kvcheck.fuzz.columns import known_bugs
from kvcheck.fuzz.copy_columns import copy_rows
from kvcheck.fuzz.staging_columns import bug_rows
from kvcheck.threads import columns as shared
from kvspec.bugs import BUGS

FIRST = frozenset({"PIN", "THREAD", "LOCK", "FREEQ", "REF", "TIER", "ASYNC", "STREAM", "GEN"})
"""Free queues, references, pins, levels, copies in flight, streams, threads, locks, generations."""

WORDS = {
    "CNT": "a counter beside a queue",
    "DATA": "the content of a slot",
    "EVENT": "an index kept elsewhere",
    "FAIL": "a branch for what fails",
    "LIVE": "progress",
    "RADIX": "a tree or an index of keys",
    "STAGE": "staging buffers",
    "XFER": "two nodes",
}
"""The one feature more that an entry of the second table needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry: where it happened, the features it needs, what went wrong in a sentence of ours.

    `designs` are the wrong designs that are it, `code` the wrong managers, stagings and copy
    streams. `no_design` and `no_code` say why there is none.
    """

    id: str
    project: str
    needs: str
    sentence: str
    designs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    no_design: str = ""
    no_code: str = ""

    @property
    def features(self) -> frozenset[str]:
        """The tags."""
        return frozenset(self.needs.split())

    @property
    def more(self) -> frozenset[str]:
        """The tags that are not of the first table."""
        return self.features - FIRST


NO_TREE = "needs the tree of prefixes, which no design has yet"
NO_TREE_CODE = "the manager finds blocks by key and keeps no tree"
NO_STORE = "the manager has no offload queue, no prefetch and no second copy of a block"

ENTRIES = (
    Entry(
        id="KV-S05",
        project="TensorRT-LLM fork",
        needs="FREEQ REF THREAD",
        sentence="Two threads change the free queues and counts at once, and a change is lost.",
        designs=("s3-1",),
        code=("kv-s05", "s3-1"),
    ),
    Entry(
        id="KV-S06",
        project="TensorRT-LLM fork",
        needs="TIER PIN THREAD ASYNC",
        sentence="A pinned block is onboarded, and leaves the slot in which it is read.",
        designs=("s3-3", "s1-5-moved"),
        code=("s1-5-moved", "s3-3"),
    ),
    Entry(
        id="KV-S08",
        project="TensorRT-LLM fork",
        needs="FREEQ REF PIN THREAD",
        sentence="A pin takes the block off its queue in one step and counts itself in the next.",
        designs=("s3-4", "s3-6-r2"),
        code=("kv-s08", "s3-4", "s3-6-r2"),
    ),
    Entry(
        id="KV-016",
        project="LMCache",
        needs="REF PIN",
        sentence="The last to unpin does not ask whether it is the last, and nobody frees.",
        designs=("kv-016", "s1-5-kept"),
        code=("s1-5-kept",),
    ),
    Entry(
        id="KV-042",
        project="TensorRT-LLM",
        needs="ASYNC STREAM TIER",
        sentence="Notes of pending copies leave the level out, so two slots share and lose one.",
        designs=("kv-042",),
        code=("kv-042",),
    ),
    Entry(
        id="KV-057",
        project="vLLM",
        needs="TIER FREEQ PIN",
        sentence="Room for the second of two objects is made by evicting the first.",
        designs=("kv-057",),
        no_code="each call of the manager names one block, which is held before another is chosen",
    ),
    Entry(
        id="KV-S01",
        project="TensorRT-LLM",
        needs="FREEQ CNT TIER",
        sentence="Blocks are claimed after their slots were exchanged, each from the wrong queue.",
        designs=("s1-1",),
        code=("s1-1",),
    ),
    Entry(
        id="KV-S07",
        project="TensorRT-LLM fork",
        needs="FREEQ RADIX PIN THREAD",
        sentence="Between the look at the oldest block and its claim a reader pins it.",
        designs=("s3-2",),
        code=("kv-s07", "s3-2"),
    ),
    Entry(
        id="KV-001",
        project="TensorRT-LLM",
        needs="FREEQ REF PIN RADIX",
        sentence="A block that is free is hit and stays queued; its release queues it twice.",
        designs=("kv-001", "s1-5"),
        code=("kv-001", "s1-5"),
    ),
    Entry(
        id="KV-003",
        project="TensorRT-LLM",
        needs="FREEQ RADIX TIER",
        sentence="A block is evicted as a leaf although its children sit in host memory.",
        no_design=NO_TREE,
        no_code=NO_TREE_CODE,
    ),
    Entry(
        id="KV-004",
        project="TensorRT-LLM",
        needs="FREEQ REF RADIX",
        sentence="A free block keeps its link to the block before it, and chains never end.",
        no_design=NO_TREE,
        no_code=NO_TREE_CODE,
    ),
    Entry(
        id="KV-014",
        project="SGLang",
        needs="FREEQ TIER FAIL THREAD",
        sentence="The rest of a reservation is given back by two who both believe it theirs.",
        designs=("kv-014",),
        no_code=f"{NO_STORE}; kv-002 releases one block twice",
    ),
    Entry(
        id="KV-017",
        project="LMCache",
        needs="REF THREAD DATA TIER",
        sentence="Eviction frees memory itself instead of dropping its own reference to it.",
        designs=("kv-017",),
        code=("kv-017",),
    ),
    Entry(
        id="KV-019",
        project="Mooncake",
        needs="PIN TIER CNT",
        sentence="What is queued for offload already is pinned again, and unpinned once.",
        designs=("kv-019",),
        no_code=NO_STORE,
    ),
    Entry(
        id="KV-040",
        project="Mooncake",
        needs="GEN ASYNC THREAD DATA TIER",
        sentence="A copy made ahead is published although its object was replaced meanwhile.",
        designs=("kv-040", "kv-040-replaced"),
        no_code=NO_STORE,
    ),
    Entry(
        id="KV-041",
        project="TensorRT-LLM",
        needs="ASYNC STREAM TIER DATA",
        sentence="Pending copies are noted by block, and a slot is used under the copy of another.",
        designs=("inv-26-reads-too-early", "inv-27-writes-too-early"),
        code=("kv-041",),
    ),
    Entry(
        id="KV-048",
        project="SGLang",
        needs="RADIX TIER ASYNC",
        sentence="A prefetch lands under a node that the tree has changed since it was sent.",
        no_design=NO_TREE,
        no_code=NO_TREE_CODE,
    ),
    Entry(
        id="KV-060",
        project="PyTorch",
        needs="STAGE ASYNC STREAM",
        sentence="The use of a slice is not recorded, and its memory is handed out under the copy.",
        designs=("s5-2-unrecorded",),
        code=("s5-2-unrecorded",),
    ),
    Entry(
        id="KV-066",
        project="Mooncake, NIXL",
        needs="ASYNC REF GEN XFER",
        sentence="A batch is freed with its task while slices on the wire still name the task.",
        no_design="needs a transfer between nodes, which no design has yet",
        no_code="a block is read by a device copy, which keeps its own reference",
    ),
    Entry(
        id="KV-104",
        project="Mooncake",
        needs="LOCK THREAD LIVE",
        sentence="Two threads take two locks, each in an order of its own.",
        designs=("kv-104",),
        code=("kv-104",),
    ),
    Entry(
        id="KV-105",
        project="LMCache, TensorRT-LLM",
        needs="LOCK STREAM THREAD LIVE",
        sentence="A stream's callback has the driver's lock and waits for the interpreter's.",
        designs=("kv-105",),
        no_code="the manager gives a stream no callback",
    ),
    Entry(
        id="KV-110",
        project="llm-d",
        needs="THREAD EVENT",
        sentence="An entry that was empty when it was looked at is deleted with what came since.",
        no_design="needs an index of who has what, which no design has yet",
        no_code="a key leaves the manager's index in the critical section that looked at it",
    ),
    Entry(
        id="KV-119",
        project="LMCache",
        needs="THREAD TIER PIN FAIL",
        sentence="A reader looks under the lock and reads without it, and the object is gone.",
        designs=("kv-119",),
        code=("kv-119",),
    ),
)


def table(entries: tuple[Entry, ...]) -> str:
    """The rows of the page, one an entry."""
    head = ("entry", "what went wrong", "wrong designs, and what kills them in how many steps")
    columns = (*head, "wrong code, and what kills it", "see it")
    lines = [_line(columns), _line(("---",) * len(columns))]
    return "\n".join([*lines, *(_row(entry) for entry in entries)]) + "\n"


def counts() -> str:
    """How many there are, in a sentence."""
    told = sum(bool(entry.designs) for entry in ENTRIES)
    run = sum(bool(entry.code) for entry in ENTRIES)
    words = f"Of {len(ENTRIES)} entries {told} are wrong designs here and {run} wrong code"
    return f"{words}; for each of the others its row says why not.\n"


def command(entry: Entry) -> str:
    """What measures every kill of an entry; empty if there is none."""
    names = dict.fromkeys((*entry.designs, *entry.code))
    return " ".join(["kvproof bugs", *(f"--select {name}" for name in names)]) if names else ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(entry: Entry) -> str:
    more = "".join(f" Asks for {WORDS[tag]} too." for tag in sorted(entry.more))
    code = (f"`{name}`: {', '.join(checks(name))}" for name in entry.code)
    return _line(
        (
            f"{entry.id}, {entry.project}",
            entry.sentence + more,
            "; ".join(_design(name) for name in entry.designs) or f"none: {entry.no_design}",
            "; ".join(code) or f"none: {entry.no_code}",
            f"`{command(entry)}`" if command(entry) else "",
        )
    )


def _design(name: str) -> str:
    length, found = shortest(name)
    steps = f"{length} step{'s' * (length != 1)}"
    return f"`{name}` of `{BUGS[name].design}`: `{found}` in {steps}"


def shortest(name: str) -> tuple[int, str]:
    """The steps of the shortest counterexample, and what is false at its end."""
    bug = BUGS[name]
    model = bug.machine.instance(**bug.sizes)  # type: ignore[attr-defined]
    findings = explore(model, Options(engine=Engine.PYTHON)).findings
    return min((len(one.finding.path.moves), one.finding.name) for one in findings)


def checks(name: str) -> Iterator[str]:
    """The checks that claim to kill the wrong code of that name."""
    managers = known_bugs()
    if name in managers:
        if managers[name].needs_threads:
            yield "every order of two tasks"
        yield from (column.value for column in claims(name))
    if name in copy_rows():
        yield from (claim.split("/")[1] + " of accesses" for claim in expected_copies([name]))
    if name in bug_rows():
        yield "staging"
    if name in shared.bug_rows():
        yield from (column.value for column in shared.claims(name))
