"""A second manager, small enough to read in five minutes: pages of one memory, shared by content.

It has no host memory, pins, priorities or threads, shares no code with `kvimpl.blocks` and knows no
kvspec: it stands for the managers of others, which are judged through an adapter. The idea: a page
is empty, or kept for its content, or in use; empty pages are taken first, then the longest unused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeAlias

Page: TypeAlias = int
User: TypeAlias = Hashable
Content: TypeAlias = Hashable
Note: TypeAlias = tuple[str, User | None, Page]
"""What happened, to whom, with which page: take, evict, share, fill, drop."""


class OutOfPages(Exception):
    """Every page is in use."""


class WrongPage(Exception):
    """The user does not use the page, or the page is filled already."""


class SimpleManager:
    """`page_count` pages. `note` is told each change after it is made.

    Raises:
        ValueError: `page_count` is not positive.
    """

    def __init__(self, page_count: int, *, note: Callable[[Note], None] | None = None) -> None:
        if page_count < 1:
            raise ValueError(
                f"page_count is {page_count}. Memory has at least one page. Pass 1 or more."
            )
        self.page_count = page_count
        self.empty: list[Page] = list(range(page_count))
        self.kept: OrderedDict[Page, Content] = OrderedDict()
        self.users: dict[Page, set[User]] = {}
        self.content_of: dict[Page, Content] = {}
        self.page_of: dict[Content, Page] = {}
        self._note = note

    def take(self, user: User) -> Page:
        """An empty page for the user, at the cost of the content that was unused for longest.

        Raises:
            OutOfPages: every page is in use; nothing changed.
        """
        if not self.empty and not self.kept:
            raise OutOfPages(
                f"All {self.page_count} pages are in use. More was admitted than fits. Drop a page"
                " first."
            )
        if not self.empty:
            page, content = self.kept.popitem(last=False)
            del self.page_of[content], self.content_of[page]
            self.empty.append(page)
            self._tell("evict", None, page)
        page = self.empty.pop(0)
        self.users[page] = {user}
        self._tell("take", user, page)
        return page

    def fill(self, user: User, page: Page, content: Content) -> bool:
        """The page has this content from now on; False if another page has it already.

        Raises:
            WrongPage: the user does not use the page, or it is filled; nothing changed.
        """
        self._check(user, page)
        if page in self.content_of:
            raise WrongPage(
                f"Page {page} is filled already. Filled pages do not change. Take a new page."
            )
        if content in self.page_of:
            return False
        self.content_of[page], self.page_of[content] = content, page
        self._tell("fill", user, page)
        return True

    def find(self, user: User, content: Content) -> Page | None:
        """The page with this content, which the user uses from now on; None if there is none."""
        page = self.page_of.get(content)
        if page is not None:
            self.kept.pop(page, None)
            self.users.setdefault(page, set()).add(user)
            self._tell("share", user, page)
        return page

    def drop(self, user: User, page: Page) -> None:
        """The user is done with the page; the last one leaves it kept if it is filled, else empty.

        Raises:
            WrongPage: the user does not use the page; nothing changed.
        """
        self._check(user, page)
        self.users[page].discard(user)
        if not self.users[page]:
            del self.users[page]
            if page in self.content_of:
                self.kept[page] = self.content_of[page]
            else:
                self.empty.append(page)
        self._tell("drop", user, page)

    def _check(self, user: User, page: Page) -> None:
        if user not in self.users.get(page, ()):
            raise WrongPage(
                f"{user} does not use page {page}. It was dropped twice, or is another's. Drop each"
                " page once."
            )

    def _tell(self, what: str, user: User | None, page: Page) -> None:
        if self._note is not None:
            self._note((what, user, page))
