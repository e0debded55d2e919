"""The records of the accounts app that entries of the audit log are about."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse

from accounts.audit import records
from accounts.audit.records import Record
from accounts.models import APIKey, Member, Role, ScimConnection, Team
from core.ids import parse_uuids


def register() -> None:
    records.KINDS.register(records.Kind(Member._meta.label_lower, _members))
    records.KINDS.register(records.Kind(Role._meta.label_lower, _roles))
    records.KINDS.register(records.Kind(APIKey._meta.label_lower, _keys))
    records.KINDS.register(records.Kind(Team._meta.label_lower, _teams))
    records.KINDS.register(records.Kind(ScimConnection._meta.label_lower, _directories))


def _keys(member: Member, ids: Collection[str]) -> dict[str, Record]:
    if not member.may("api_keys.view"):
        return {}
    rows = APIKey.objects.filter(pk__in=parse_uuids(ids))
    if not member.may("users.edit"):
        rows = rows.filter(member=member)
    return {str(one.pk): Record(one.name, _url(member, "api_key", one.pk)) for one in rows}


def _members(member: Member, ids: Collection[str]) -> dict[str, Record]:
    if not member.may("users.view"):
        return {}
    rows = Member.objects.present().filter(pk__in=parse_uuids(ids)).select_related("user")
    return {str(one.pk): Record(one.user.get_full_name(), _url(member, "member", one.pk)) for one in rows}


def _roles(member: Member, ids: Collection[str]) -> dict[str, Record]:
    if not member.may("roles.view"):
        return {}
    rows = Role.objects.filter(pk__in=parse_uuids(ids))
    return {str(one.pk): Record(one.name, _url(member, "role", one.pk)) for one in rows}


def _teams(member: Member, ids: Collection[str]) -> dict[str, Record]:
    if not member.may("users.view"):
        return {}
    rows = Team.objects.filter(pk__in=parse_uuids(ids))
    return {str(one.pk): Record(one.name, _url(member, "team", one.pk)) for one in rows}


def _directories(member: Member, ids: Collection[str]) -> dict[str, Record]:
    if not member.may("settings.edit"):
        return {}
    page = reverse("organization:directory", args=[member.organization.slug])
    rows = ScimConnection.objects.filter(pk__in=parse_uuids(ids))
    return {str(one.pk): Record(one.name, page) for one in rows}


def _url(member: Member, name: str, key: object) -> str:
    return reverse(f"organization:{name}", args=[member.organization.slug, key])
