"""What may be permitted, and what the system's own roles permit.

A permission is `resource.action`. How far it goes is the role's reach: all records, the team's, or the assigned ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reach(StrEnum):
    """Whose records a member sees; the widest first."""

    ALL = "all"
    TEAM = "team"
    ASSIGNED = "assigned"

    def includes(self, other: Reach) -> bool:
        """Whether this goes at least as far as the other."""
        widest_first = list(Reach)
        return widest_first.index(self) <= widest_first.index(other)


RECORD_ACTIONS = ("view", "create", "edit", "delete", "export", "import")
RESOURCES: Mapping[str, tuple[str, ...]] = {
    "customers": RECORD_ACTIONS,
    "deals": RECORD_ACTIONS,
    "tasks": RECORD_ACTIONS,
    "conversations": RECORD_ACTIONS,
    # Saved views of lists. What they show is limited by the records' own permissions.
    "segments": ("create", "edit", "delete"),
    "templates": ("view", "create", "edit", "delete"),
    "channels": ("view", "create", "edit", "delete"),
    "workflows": ("view", "create", "edit", "delete"),
    "reports": ("view", "create", "edit", "delete", "export"),
    "analytics": ("view", "export"),
    "users": ("view", "create", "edit", "delete", "impersonate"),
    "roles": ("view", "create", "edit", "delete"),
    "settings": ("view", "edit"),
    "audit": ("view", "export"),
    "integrations": ("view", "create", "edit", "delete"),
    "api_keys": ("view", "create", "delete"),
}
CATALOG: frozenset[str] = frozenset(
    f"{resource}.{action}" for resource, actions in RESOURCES.items() for action in actions
)

# Came after organizations had made roles of their own. A role gets none of them by itself, not even one that permitted
# everything until then: its page says so. One leaves this set with the release after that which brought it.
NEW: frozenset[str] = frozenset({"users.impersonate"})

# Who loses one of these can't take it back by themselves.
MANAGES_ROLES: frozenset[str] = frozenset(f"roles.{action}" for action in RESOURCES["roles"])

# What an API key never does, whatever its owner may: decide who comes in and what they may do. A key that leaks is to
# leave nothing behind that outlives it (docs/decisions/0079).
NEVER_BY_KEY: frozenset[str] = frozenset(
    f"{resource}.{action}"
    for resource in ("users", "roles", "api_keys")
    for action in RESOURCES[resource]
    if action != "view"
)
# What a key can be given.
SCOPES: frozenset[str] = CATALOG - NEVER_BY_KEY

# What nobody does in another's name, whoever that is: let people in or out, change what they may, take data along as a
# file, change what the organization is reached and read by, or make rules that act long after (docs/decisions/0075).
NEVER_BY_IMPERSONATION: frozenset[str] = (
    NEVER_BY_KEY
    | {permission for permission in CATALOG if permission.endswith(".export")}
    | {"api_keys.view", "settings.edit"}
    | {
        f"{resource}.{action}"
        for resource in ("channels", "integrations", "workflows")
        for action in RESOURCES[resource]
        if action != "view"
    }
)

# What every member may do whatever the role: what is limited to oneself by other means.
MEMBERSHIP = "membership"

RECORDS = ("customers", "deals", "tasks", "conversations")


@dataclass(frozen=True, slots=True)
class SystemRole:
    key: str
    name: str
    permissions: frozenset[str]
    reach: Reach


def _all_of(*resources: str) -> frozenset[str]:
    return frozenset(f"{resource}.{action}" for resource in resources for action in RESOURCES[resource])


ADMIN = SystemRole("admin", "Administrator", CATALOG, Reach.ALL)
MANAGER = SystemRole(
    "manager",
    "Manager",
    _all_of(*RECORDS, "segments", "templates", "reports", "analytics")
    | {"channels.view", "workflows.view", "users.view"},
    Reach.TEAM,
)
COUNSELOR = SystemRole(
    "counselor",
    "Counselor",
    frozenset(f"{resource}.{action}" for resource in RECORDS for action in ("view", "create", "edit"))
    | _all_of("segments")
    | {"templates.view", "channels.view", "analytics.view"},
    Reach.ASSIGNED,
)
SYSTEM_ROLES: Mapping[str, SystemRole] = {role.key: role for role in (ADMIN, MANAGER, COUNSELOR)}
