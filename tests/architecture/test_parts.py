"""Which tests CI passes on one database only: those of pages, the walks over pages and calls, those of an app that ask
for no database, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import TESTS, WALKS, is_about_pages, reaches_no_database


@pytest.mark.parametrize(
    "path", ["customers/views/test_deals.py", "customers/pipeline/test_deals_views.py", "crm_project/test_edits.py"]
)
def test_pages_are_known_by_their_path(path):
    assert is_about_pages(TESTS / path)


def test_of_a_file_with_walks_only_the_walks_are_meant():
    walk = TESTS / "crm_project" / "test_walk.py"
    assert is_about_pages(walk, "test_the_api")
    assert not is_about_pages(walk, "test_counts_are_of_what_one_sees")


@pytest.mark.parametrize("kind", ["services", "api", "queries", "tables"])
def test_what_is_about_the_database_is_passed_on_both(kind):
    assert not is_about_pages(TESTS / "customers" / kind / "test_deals.py")
    assert not is_about_pages(TESTS / "customers" / "pipeline" / f"test_deals_{kind}.py")


def test_neither_the_ground_nor_processes_are_left_out():
    left_out = [
        path
        for folder in ("activity", "core", "processes")
        for path in (TESTS / folder).rglob("test_*.py")
        if is_about_pages(path)
    ]
    assert not left_out


@pytest.mark.parametrize("walk", sorted(WALKS))
def test_every_walk_is_there(walk):
    name, _, function = walk.partition("::")
    assert f"def {function}" in (TESTS / "crm_project" / name).read_text(encoding="utf-8")


class CollectedTest:
    """A test as pytest collects it, as far as it is asked here."""

    def __init__(self, path: str, *fixtures: str, mark: object = None) -> None:
        self.path, self.fixturenames, self._mark = TESTS / path, fixtures, mark

    def get_closest_marker(self, _name: str) -> object:
        return self._mark


def item_of(path: str, *fixtures: str, mark: object = None) -> Any:
    return CollectedTest(path, *fixtures, mark=mark)


def test_a_test_of_an_app_that_asks_for_no_database_is_known():
    assert reaches_no_database(item_of("messaging/texts/test_placeholders.py", "subtests"))
    assert not reaches_no_database(item_of("messaging/texts/test_placeholders.py", "alice", "db"))
    assert not reaches_no_database(item_of("messaging/texts/test_placeholders.py", "transactional_db"))
    assert not reaches_no_database(item_of("messaging/texts/test_placeholders.py", mark=object()))


@pytest.mark.parametrize("folder", ["activity", "core", "crm_project", "processes"])
def test_what_is_below_everything_is_passed_on_both(folder):
    assert not reaches_no_database(item_of(f"{folder}/test_anything.py"))
