"""Imports go down only, and nowhere in a circle. The contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
APPS = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics", "crm_project")


def test_the_import_contracts_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_app_stands_in_the_contract():
    contracts = (ROOT / "pyproject.toml").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")} | {"core"}
    assert packages == set(APPS)
    assert all(f'"{app}"' in contracts for app in packages)


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph(*APPS, exclude_type_checking_imports=True)
    circles = [
        chain
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if (chain := graph.find_shortest_chain(importer=imported, imported=module))
    ]
    assert circles == []
