"""What lower floors offer and upper floors register, once and under a name: menus, panels, jobs, queues, listeners.

An app makes a `Registry` of what it takes; others register in their `apps.py`. `manage.py show_registrations` prints
all of them, so that nobody has to search for who reaches whom.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_every: weakref.WeakSet[Registry[Any]] = weakref.WeakSet()


class RegisteredTwice(ValueError):
    """A second registration under a name that is taken: one of the two would be lost without a word."""


class Registry(Generic[T]):
    """Entries by name. They are iterated in the order of `order`, equal ones in the order of registration.

    `title` is what the whole is called when it is printed, `name` gives an entry's name, `describe` what is printed
    beside it.
    """

    def __init__(
        self,
        title: str,
        *,
        name: Callable[[T], str],
        order: Callable[[T], str | int | tuple[object, ...]] | None = None,
        describe: Callable[[T], str] = lambda entry: "",
    ) -> None:
        self.title = title
        self.name = name
        self.order = order
        self.describe = describe
        self._entries: dict[str, T] = {}
        _every.add(self)

    def register(self, entry: T) -> T:
        """Add an entry, and give it back. Raises RegisteredTwice for a second of the name."""
        name = self.name(entry)
        if name in self._entries:
            raise RegisteredTwice(f"{self.title}: {name} is registered twice.")
        self._entries[name] = entry
        if self.order is not None:
            order = self.order
            self._entries = dict(sorted(self._entries.items(), key=lambda item: order(item[1])))
        return entry

    def unregister(self, name: str) -> None:
        """Take an entry away. Raises KeyError where there is none of the name."""
        del self._entries[name]

    def copy(self) -> Registry[T]:
        """The same entries in another registry, which is printed nowhere; a test puts it in this one's place."""
        other = Registry(self.title, name=self.name, order=self.order, describe=self.describe)
        other._entries = dict(self._entries)
        _every.discard(other)
        return other

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def get(self, name: str) -> T | None:
        """The entry of this name; None where there is none."""
        return self._entries.get(name)

    def names(self) -> list[str]:
        """The names, in the order of the entries."""
        return list(self._entries)


def every() -> list[Registry[Any]]:
    """All registries of the process, by title."""
    return sorted(_every, key=lambda one: one.title)


def path_of(entry: Callable[..., object]) -> str:
    """The name of an entry that is a function: where it stands in the code."""
    return f"{entry.__module__}.{entry.__qualname__}"
