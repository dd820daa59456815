"""A reader that takes the lock twice, where the lock is recursive: the second time changes nothing.

It decides whether a recursive lock mends `s3-7-relock`, in which the reader waits for itself; it
does. The lock is held over two steps of the reader, so that here two threads keep it in turn, and
the scheduler, too, needs a lock that is fair to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvspec.lang import eventually, lemma, require, thread
from kvspec.lang.standing import at, kept
from kvspec.models.remote import REFS, Block, Job, Reader
from kvspec.models.remote_proof import ProvedPool


class RecursiveLockPool(ProvedPool):
    """Whoever has the lock may take it again, and it is free once as many times let go."""

    @thread
    def reader(self, r: Reader) -> Iterator[str]:
        "Takes the lock, then claims, which takes the lock: it is the reader's own."
        while True:
            require("a block is wanted", self.wants[r])
            require("the lock is free", not self.locked)
            block: Block = self.wanted[r]
            self.locked = True
            yield "locked"
            self.locked = False
            if self.cached[block] and self.refs[block] < REFS:
                self.join(block)
                self.has[r] = True
                self.told[r] = self.slot[block]
                yield "pinned"
                require("its bytes are there", not self.noted[self.told[r]])
                self.reads[r] = True
                yield "reads"
                require("the lock is free", not self.locked)
                self.reads[r] = False
                self.has[r] = False
                self.refs[block] -= 1
                self.put_back(block)
            self.wants[r] = False
            yield "idle"

    @lemma
    def locks_for_what_it_was_asked(self) -> bool:
        "A reader that has the lock still wants the block that it looked for."
        return all(
            not at(self.reader(r), "locked")
            or (self.wants[r] and kept(self.reader(r), "block", Block) == self.wanted[r])
            for r in Reader
        )

    @lemma
    def held_from_swap_to_entry(self) -> bool:
        "The lock is held by the scheduler that has swapped or by a reader that looks: by one."
        holders = sum(1 for r in Reader if at(self.reader(r), "locked"))
        if self.holds_lock():
            holders += 1
        return holders == (1 if self.locked else 0)

    @eventually(
        id="KV-LIV-02",
        why="S3.7: readers that take the lock in turn may keep it from the scheduler for ever",
        strong=("scheduler",),
        weak=("reader", "complete"),
        measure=("steps_left", "copies_in_flight"),
        relies_on="the_lock_comes_free",
    )
    def every_job_ends(self) -> bool:
        "A job that the scheduler was given ends."
        require("there is a job", self.job != Job.NONE)
        return self.job == Job.NONE

    @eventually(
        id="KV-LIV-03",
        why="S3.7: whoever waits for a lock that is kept waits for ever, however fair it is",
        weak=("scheduler", "reader"),
        measure=("is_held",),
    )
    def the_lock_comes_free(self) -> bool:
        "A lock that is held is let go of."
        require("the lock is held", self.locked)
        return not self.locked
