"""What permissions and reaches are in words: the end of a sentence that begins with “may”."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.permissions import RESOURCES, Reach

RESOURCE_LABELS: Mapping[str, Promise] = {
    "customers": _("Customers"),
    "deals": _("Deals"),
    "tasks": _("Tasks"),
    "conversations": _("Conversations"),
    "segments": _("Saved views"),
    "templates": _("Templates"),
    "channels": _("Channels"),
    "workflows": _("Workflows"),
    "reports": _("Reports"),
    "analytics": _("Analytics"),
    "users": _("Members and teams"),
    "roles": _("Roles"),
    "settings": _("Settings"),
    "audit": _("Audit log"),
    "integrations": _("Integrations"),
    "api_keys": _("API keys"),
}

PHRASES: Mapping[str, Promise] = {
    "customers.view": _("view customers"),
    "customers.create": _("create customers"),
    "customers.edit": _("edit customers"),
    "customers.delete": _("delete and merge customers"),
    "customers.export": _("export customers"),
    "customers.import": _("import customers"),
    "deals.view": _("view deals"),
    "deals.create": _("create deals"),
    "deals.edit": _("edit deals"),
    "deals.delete": _("delete deals"),
    "deals.export": _("export deals"),
    "deals.import": _("import deals"),
    "tasks.view": _("view tasks"),
    "tasks.create": _("create tasks"),
    "tasks.edit": _("edit tasks"),
    "tasks.delete": _("delete tasks"),
    "tasks.export": _("export tasks"),
    "tasks.import": _("import tasks"),
    "conversations.view": _("view conversations"),
    "conversations.create": _("begin conversations"),
    "conversations.edit": _("answer, assign and resolve conversations"),
    "conversations.delete": _("delete conversations"),
    "conversations.export": _("export conversations"),
    "conversations.import": _("import conversations"),
    "segments.create": _("save views of lists"),
    "segments.edit": _("edit their saved views"),
    "segments.delete": _("delete their saved views"),
    "templates.view": _("view templates"),
    "templates.create": _("create templates"),
    "templates.edit": _("edit templates"),
    "templates.delete": _("delete templates"),
    "channels.view": _("view channels"),
    "channels.create": _("add channels"),
    "channels.edit": _("edit channels"),
    "channels.delete": _("delete channels"),
    "workflows.view": _("view workflows"),
    "workflows.create": _("create workflows"),
    "workflows.edit": _("edit workflows"),
    "workflows.delete": _("delete workflows"),
    "reports.view": _("view reports"),
    "reports.create": _("create reports"),
    "reports.edit": _("edit reports"),
    "reports.delete": _("delete reports"),
    "reports.export": _("export reports"),
    "analytics.view": _("view analytics"),
    "analytics.export": _("export analytics"),
    "users.view": _("view members and teams"),
    "users.create": _("add members"),
    "users.edit": _("edit members and teams"),
    "users.delete": _("remove members"),
    "users.impersonate": _("act as another member for half an hour"),
    "roles.view": _("view roles"),
    "roles.create": _("create roles"),
    "roles.edit": _("edit roles"),
    "roles.delete": _("delete roles"),
    "settings.view": _("view settings"),
    "settings.edit": _("change settings"),
    "audit.view": _("view the audit log"),
    "audit.export": _("export the audit log"),
    "integrations.view": _("view integrations"),
    "integrations.create": _("connect integrations"),
    "integrations.edit": _("edit integrations"),
    "integrations.delete": _("disconnect integrations"),
    "api_keys.view": _("view API keys"),
    "api_keys.create": _("create API keys"),
    "api_keys.delete": _("revoke API keys"),
}

REACHES: Mapping[Reach, Promise] = {
    Reach.ALL: _("every record of the organization"),
    Reach.TEAM: _("records of their own teams"),
    Reach.ASSIGNED: _("only records assigned to them"),
}


@dataclass(frozen=True, slots=True)
class Permission:
    key: str
    phrase: Promise

    @property
    def sentence(self) -> str:
        return gettext("May %(what)s") % {"what": self.phrase}


@dataclass(frozen=True, slots=True)
class Group:
    """What can be permitted with one kind of thing."""

    resource: str
    label: Promise
    permissions: tuple[Permission, ...]


def groups(permissions: Collection[str] | None = None) -> Iterator[Group]:
    """The catalog by resource, in its own order; with `permissions` only those, and no group that has none of them."""
    for resource, actions in RESOURCES.items():
        keys = [f"{resource}.{action}" for action in actions]
        wanted = tuple(Permission(key, PHRASES[key]) for key in keys if permissions is None or key in permissions)
        if wanted:
            yield Group(resource, RESOURCE_LABELS[resource], wanted)
