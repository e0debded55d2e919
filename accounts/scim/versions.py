"""`meta` of a resource, with its version, and the conditions that a request sets by it (RFC 7644, section 3.14)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from django.conf import settings
from django.utils.http import parse_etags

from accounts.models.scim import PATH
from accounts.scim.errors import PreconditionFailed
from accounts.scim.schemas import Kind, Resource


def base() -> str:
    """The address below which everything of SCIM stands."""
    return settings.PUBLIC_BASE_URL.rstrip("/") + PATH


def location_of(kind: Kind, pk: object) -> str:
    """The address of a resource."""
    return f"{base()}{kind.endpoint}/{pk}"


def with_meta(resource: Resource, *, kind: str, location: str, created: datetime, changed: datetime) -> Resource:
    """The resource with its `meta`. The version is made of all that is answered, so it changes with whatever does."""
    canonical = json.dumps(resource, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    meta = {
        "resourceType": kind,
        "created": _moment(created),
        "lastModified": _moment(changed),
        "location": location,
        "version": f'W/"{digest}"',
    }
    return {**resource, "meta": meta}


def version_of(resource: Resource) -> str:
    """The version as `ETag` has it."""
    meta = resource["meta"]
    return str(meta["version"]) if isinstance(meta, dict) else ""


def require_same(resource: Resource, if_match: str | None) -> None:
    """Raises PreconditionFailed where the request is about another version. Tags are compared weakly: ours are weak."""
    if if_match and not _names(if_match, resource):
        raise PreconditionFailed("The resource was changed since it was read. Read it again.")


def is_known(resource: Resource, if_none_match: str | None) -> bool:
    """Whether the caller has this version already."""
    return bool(if_none_match) and _names(str(if_none_match), resource)


def _names(header: str, resource: Resource) -> bool:
    tags = parse_etags(header)
    return tags == ["*"] or version_of(resource).removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
