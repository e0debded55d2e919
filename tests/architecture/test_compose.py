"""The compose file: valid, complete, and the same parts and settings as everywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.parts import PARTS

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
OURS = ("migrate", *PARTS)
SETTINGS = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_file_is_valid_by_the_compose_specification():
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_services_are_the_designs():
    assert set(SERVICES) == {"postgres", "redis", *OURS}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_the_command_of_make_run(part):
    assert SERVICES[part]["command"] == ["python", "scripts/parts.py", part]
    assert SERVICES[part]["healthcheck"]["test"] == ["CMD", "python", "scripts/healthcheck.py", part]
    assert SERVICES[part]["restart"] == "unless-stopped"
    assert SERVICES[part]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", OURS)
def test_our_services_are_not_root_and_can_do_little(service):
    definition = SERVICES[service]
    user, _, group = definition["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert f"USER {definition['user']}" in (ROOT / "Dockerfile").read_text()
    assert definition["cap_drop"] == ["ALL"]
    assert definition["read_only"] is True
    assert definition["volumes"] == ["data:/data"]


@pytest.mark.parametrize("service", [*PARTS, "postgres", "redis"])
def test_every_lasting_service_has_a_health_check(service):
    assert SERVICES[service]["healthcheck"]["test"]


@pytest.mark.parametrize("service", OURS)
def test_our_services_are_given_known_settings_and_where_the_others_are(service):
    environment = SERVICES[service]["environment"]
    assert set(environment) <= SETTINGS
    assert environment["DATABASE_URL"].startswith("postgres://")
    assert environment["DATABASE_URL"].endswith("@postgres:5432/parley")
    assert environment["REDIS_URL"] == "redis://redis:6379/0"
    assert environment["HOST"] == "0.0.0.0"


def test_what_the_file_asks_of_dotenv_is_explained():
    assert set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text())) <= SETTINGS


def test_redis_refuses_rather_than_forgets():
    command = SERVICES["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_volumes_are_declared_and_nothing_is_open_to_the_world():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert SERVICES["web"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_the_image_holds_what_the_services_need_and_nothing_private():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {path.parent.name for path in ROOT.glob("*/apps.py")} | {"core", "scripts", "static", "templates"} <= kept
    assert not kept & {".env", "var", "tests", ".git"}
