"""Inside a package the rooms have an order: what shows stands above what writes, what writes above what reads."""

from __future__ import annotations

import grimp
import pytest

APPS = ("accounts", "customers", "messaging", "workflows", "analytics")
# What Django asks for, and what the whole app shares; everything else stands in a package.
LOOSE = 12


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "core", "activity", *APPS, "crm_project", exclude_type_checking_imports=True, cache_dir=None
    )


def kind_of(module: str) -> str:
    """The last word of a module's name: `views` of `row_views`, `api` of `records_api`."""
    return module.rsplit(".", 1)[-1].rsplit("_", 1)[-1]


def test_no_page_imports_the_view_of_another(graph):
    between = {
        (importer, imported)
        for importer in graph.modules
        if kind_of(importer) == "views"
        for imported in graph.find_modules_directly_imported_by(importer)
        if kind_of(imported) == "views"
    }
    assert between == set(), "what pages share has a room of its own"


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ("services", {"views", "api", "forms", "serializers", "tasks", "subscribers", "admin", "urls"}),
        ("queries", {"views", "api", "forms", "serializers", "tasks", "subscribers", "admin", "urls", "services"}),
        ("forms", {"views", "api", "tasks", "subscribers", "urls"}),
        ("serializers", {"views", "api", "tasks", "subscribers", "urls"}),
    ],
)
def test_the_rooms_of_a_package_import_downwards(graph, lower, upper):
    upward = {
        (importer, imported)
        for importer in graph.modules
        if importer.startswith(APPS) and kind_of(importer) == lower
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported.startswith(APPS) and kind_of(imported) in upper
    }
    assert upward == set()


@pytest.mark.parametrize("app", APPS)
def test_few_modules_stand_loose_at_the_top_of_an_app(graph, app):
    loose = [module for module in graph.find_children(app) if not graph.find_children(module)]
    assert len(loose) <= LOOSE, loose
