"""Copies of objects that are made ahead of their readers, while the objects change.

It decides when such a copy may be published; memory and its owners are `objects`'s concern. The
idea: a fill reads an object long before it publishes what it read, so it notes the content that it
read, and publishes only if that is the object's content still.
"""

from __future__ import annotations

from kvspec.lang import (
    Machine,
    Map,
    Model,
    Set,
    Sort,
    Strength,
    action,
    goal,
    init,
    invariant,
    require,
)


class Key(Sort):
    "The name of an object."


class Content(Sort):
    "One content of one object; each is written at most once in a run."


class Fill(Sort):
    "A task that copies an object into the cache of hot ones."


class HotCopies(Machine):
    """Nobody is given the copy of an object that was replaced or removed.

    Contents are never written twice, and stand for generations of their object; so a proof for
    every number of contents is a proof for runs of every length.

    Atomicity: a fill has two critical sections, and everybody may come between.

    | action  | linearisation point in the code                          | made atomic by   |
    | write   | the commit of an upsert, which drops the hot copy        | publication lock |
    | remove  | the removal, which drops the hot copy                    | publication lock |
    | submit  | a read of the object starts a fill, with its generation  | publication lock |
    | publish | the fill is done, and compares the generation            | publication lock |
    """

    stored: Map[Key, bool]
    content: Map[Key, Content]
    used: Map[Content, bool]
    hot: Map[Key, bool]
    hot_content: Map[Key, Content]
    filling: Set[Fill]
    fill_key: Map[Fill, Key]
    fill_content: Map[Fill, Content]

    @classmethod
    def instance(cls, *, N: int = 1, V: int = 3, F: int = 2) -> Model:
        """N keys, V contents in all, F fills at a time."""
        return cls.trace(sizes={"Key": N, "Content": V, "Fill": F})

    @init
    def nothing_yet(self) -> None:
        "Nothing is stored, and no copy is made."

    # ---- vocabulary

    def is_current(self, f: Fill) -> bool:
        k = self.fill_key[f]
        return self.stored[k] and self.content[k] == self.fill_content[f]

    def may_publish(self, f: Fill) -> bool:
        return self.is_current(f)

    # ---- actions

    @action
    def write(self, k: Key, c: Content) -> None:
        "An object gets a new content, and its hot copy is dropped."
        require("the content is new", not self.used[c])
        self.used[c] = True
        self.stored[k] = True
        self.content[k] = c
        self.hot[k] = False

    @action
    def remove(self, k: Key) -> None:
        "An object is removed if it is there, and its hot copy is dropped."
        self.stored[k] = False
        self.hot[k] = False

    @action
    def submit(self, f: Fill, k: Key) -> None:
        "A read of an object starts a fill, or starts it anew."
        require("the object is there", self.stored[k])
        self.filling.add(f)
        self.fill_key[f] = k
        self.fill_content[f] = self.content[k]

    @action
    def publish(self, f: Fill) -> None:
        "A fill is done: its copy is published unless the object has changed."
        require("it is under way", f in self.filling)
        self.filling.remove(f)
        k = self.fill_key[f]
        if self.may_publish(f):
            self.hot[k] = True
            self.hot_content[k] = self.fill_content[f]

    # ---- what must always hold

    @invariant(
        id="KV-INV-74",
        why="KV-040, Mooncake #2447: a fill published what it had read before the object changed",
        strength=Strength.EVERY_SIZE,
    )
    def hot_is_current(self) -> bool:
        "A hot copy is of an object that is there, with the content that it has now."
        return all(
            self.stored[k] and self.hot_content[k] == self.content[k] for k in Key if self.hot[k]
        )

    # ---- what must be possible

    @goal
    def overtaken(self) -> bool:
        "A fill is under way whose object has changed."
        return any(f in self.filling and not self.is_current(f) for f in Fill)

    @goal
    def published(self) -> bool:
        "A hot copy is there."
        return any(self.hot[k] for k in Key)
