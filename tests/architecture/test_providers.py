"""No word of a provider's stands outside its folder: what is general speaks of providers, accounts and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics", "crm_project", "templates")
FOLDER = "messaging/channels/twilio/"
WORDS = re.compile(
    r"twilio|twiml|content_?sid|account_?sid|service_?sid|message_?sid|\bsid\b|(?<!o)auth_?token", re.IGNORECASE
)

# Files in which such a word may stand, how often, and why.
ALLOWED = {
    "messaging/channels/registry.py": (3, "the provider's one line, and its import"),
    "messaging/channels/public_address.py": (1, "the name of a setting that installations have"),
    "messaging/webhook_urls.py": (9, "addresses that stand in the provider's console, and their names"),
    "messaging/models/message.py": (1, "the name of a column"),
    "messaging/models/template.py": (1, "the name of a column"),
    "messaging/texts/templates/services.py": (1, "the API's name of a field"),
    "messaging/texts/templates/api.py": (2, "the API's name of a field"),
    "crm_project/settings.py": (6, "settings that installations have"),
    "core/logging.py": (1, "the name of a library's logger"),
    "templates/messaging/settings/check.html": (1, "the name of a setting, told to who has to set it"),
}
# Who asks by the key of a provider; all others ask what it can do (messaging/channels/abilities.py).
KEY = re.compile(r"""(["'])(twilio|smtp|simulator|website)\1""")
KEYS_ALLOWED = {
    "core/logging.py": (1, "the name of a library's logger"),
    "messaging/delivery/checks.py": (1, "a code of the API"),
    "messaging/settings/views.py": (1, "set up by what it receives, and by nobody's hand"),
    "messaging/submissions/website.py": (2, "the one provider that it serves"),
    "messaging/webhook_urls.py": (3, "addresses that stand in the provider's console"),
    "templates/messaging/simulator/page.html": (2, "the page's id and its class"),
    "messaging/urls.py": (1, "the name of a page"),
    "customers/data/imports/views.py": (1, "a value of the sample file"),
}


def uses() -> dict[str, list[str]]:
    """By file, the words of the provider's that stand in it."""
    held: dict[str, list[str]] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in (".py", ".html", ".txt") or name.startswith(FOLDER) or "/migrations/" in name:
                continue
            words = WORDS.findall(path.read_text(encoding="utf-8"))
            if words:
                held[name] = words
    return held


USES = uses()


@pytest.mark.parametrize("name", sorted({*USES, *ALLOWED}))
def test_no_word_of_a_providers_stands_outside_its_folder(name):
    count, _ = ALLOWED.get(name, (0, ""))
    assert len(USES.get(name, ())) == count, USES.get(name)


def test_a_provider_is_asked_for_what_it_can_do_and_not_for_its_key():
    places: dict[str, int] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if (
                path.suffix in (".py", ".html")
                and not name.startswith("messaging/channels/")
                and "/migrations/" not in name
            ):
                count = len(KEY.findall(path.read_text(encoding="utf-8")))
                places |= {name: count} if count else {}
    assert places == {name: count for name, (count, _) in KEYS_ALLOWED.items()}


def test_the_provider_is_looked_at():
    assert any(WORDS.search(path.read_text(encoding="utf-8")) for path in (ROOT / FOLDER).glob("*.py"))
