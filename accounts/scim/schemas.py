"""What the resources have, as `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig` publish it (RFC 7643).

The declarations below are what requests are read by, so that what is published is what is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Resource = dict[str, object]

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 200


@dataclass(frozen=True)
class Attribute:
    """An attribute as RFC 7643, section 7 describes one. `most` limits a text's length, or the number of elements."""

    name: str
    description: str = ""
    type: str = "string"
    subs: tuple[Attribute, ...] = ()
    is_multiple: bool = False
    is_required: bool = False
    is_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    most: int = 1_000
    by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {sub.name.lower(): sub for sub in self.subs})

    @property
    def is_read_only(self) -> bool:
        return self.mutability == "readOnly"

    def as_json(self) -> Resource:
        """As `/Schemas` has it."""
        shown: Resource = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.is_multiple,
            "description": self.description or self.name,
            "required": self.is_required,
            "caseExact": self.is_exact,
            "mutability": self.mutability,
            "returned": self.returned,
            "uniqueness": self.uniqueness,
        }
        if self.subs:
            shown["subAttributes"] = [sub.as_json() for sub in self.subs]
        if self.values:
            shown["canonicalValues"] = list(self.values)
        if self.references:
            shown["referenceTypes"] = list(self.references)
        return shown


@dataclass(frozen=True)
class Kind:
    """A type of resource. `ignored`: what RFC 7643 has beside it and directories send, and is not kept here."""

    name: str
    endpoint: str
    schema: str
    description: str
    attributes: tuple[Attribute, ...]
    ignored: frozenset[str] = frozenset()
    by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name.lower(): one for one in (EXTERNAL_ID, *self.attributes)})

    def is_ignored(self, schema: str, attribute: str) -> bool:
        """Whether a name, in small letters, is one of the standard's that is taken and not kept."""
        return attribute in self.ignored or schema == ENTERPRISE.lower()


def _texts(kinds: tuple[str, ...], what: str, length: int) -> tuple[Attribute, ...]:
    return (
        Attribute("value", what, is_required=True, most=length),
        Attribute("type", "What it is for.", values=kinds, most=40),
        Attribute("primary", "Whether it is the one to use first.", type="boolean"),
    )


EXTERNAL_ID: Final = Attribute("externalId", "The directory’s own id.", is_exact=True, most=255)

USERS: Final = Kind(
    "User", "/Users", USER, "A member of the organization.",
    (
        Attribute("userName", "By what the directory knows the person; an e-mail address, as a rule.",
                  is_required=True, uniqueness="server", most=254),
        Attribute("name", "The parts of the name.", type="complex", subs=(
            Attribute("formatted", "The whole name.", most=150),
            Attribute("familyName", most=150),
            Attribute("givenName", most=150),
        )),
        Attribute("displayName", "What colleagues see.", most=150),
        Attribute("title", most=150),
        Attribute("active", "Whether the person may come in. Left out, it is so for who is new, and stays for others.",
                  type="boolean", is_required=True),
        Attribute("emails", "The primary one, else the first, is where mail goes and how one signs in. May be left out "
                  "where userName is an address.", type="complex", is_multiple=True, is_required=True, most=20,
                  subs=_texts(("work", "home", "other"), "An e-mail address.", 254)),
        Attribute("phoneNumbers", "The primary one, else the first, is shown to colleagues.", type="complex",
                  is_multiple=True, most=20,
                  subs=_texts(("work", "home", "mobile", "fax", "pager", "other"), "A phone number.", 60)),
        Attribute("groups", "The teams.", type="complex", is_multiple=True, mutability="readOnly", subs=(
            Attribute("value", "The team’s id.", mutability="readOnly"),
            Attribute("$ref", type="reference", references=("Group",), is_exact=True, mutability="readOnly"),
            Attribute("display", "The team’s name.", mutability="readOnly"),
        )),
    ),
    frozenset({
        "nickname", "profileurl", "usertype", "preferredlanguage", "locale", "timezone", "password", "ims", "photos",
        "addresses", "entitlements", "roles", "x509certificates",
    }),
)  # fmt: skip
GROUPS: Final = Kind(
    "Group", "/Groups", GROUP, "A team of the organization.",
    (
        Attribute("displayName", "The team’s name.", is_required=True, uniqueness="server", most=80),
        Attribute("members", "Who belongs to it.", type="complex", is_multiple=True, most=5_000, subs=(
            Attribute("value", "The member’s id.", mutability="immutable", most=100),
            Attribute("$ref", type="reference", references=("User",), is_exact=True, mutability="immutable"),
            Attribute("type", "Always User.", values=("User",), mutability="immutable", most=40),
            )),
    ),
)  # fmt: skip
KINDS: Final[Sequence[Kind]] = (USERS, GROUPS)
# Sub-attributes of `name` that are taken and not kept.
IGNORED_PARTS: Final = frozenset({"middlename", "honorificprefix", "honorificsuffix", "display", "$ref"})


def service_provider_config(base: str) -> Resource:
    """What of the protocol is offered; `base` is the address of the connection."""
    return {
        "schemas": [CONFIG],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The token that Parley shows when the connection is made.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str, kinds: Sequence[Kind]) -> list[Resource]:
    """The types of resources that the connection has."""
    return [
        {
            "schemas": [RESOURCE_TYPE],
            "id": kind.name,
            "name": kind.name,
            "endpoint": kind.endpoint,
            "description": kind.description,
            "schema": kind.schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"},
        }
        for kind in kinds
    ]


def schemas(base: str, kinds: Sequence[Kind]) -> list[Resource]:
    """The schemas of the resources, and those of the three that describe them."""
    described = [(kind.schema, kind.name, kind.description, kind.attributes) for kind in kinds]
    described += [
        (CONFIG, "ServiceProviderConfig", "What of the protocol is offered.", _CONFIG),
        (RESOURCE_TYPE, "ResourceType", "A type of resource.", _RESOURCE_TYPE),
        (SCHEMA, "Schema", "What a resource has.", _SCHEMA),
    ]
    return [
        {
            "schemas": [SCHEMA],
            "id": urn,
            "name": name,
            "description": description,
            "attributes": [attribute.as_json() for attribute in attributes],
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{urn}"},
        }
        for urn, name, description, attributes in described
    ]


def _fixed(name: str, type_: str = "string", *subs: Attribute, is_multiple: bool = False) -> Attribute:
    """Part of a schema that describes: it is required, and nobody changes it."""
    return Attribute(name, "", type_, subs, is_multiple=is_multiple, is_required=True, mutability="readOnly")


_SUPPORTED: Final = _fixed("supported", "boolean")
_CONFIG: Final = (
    Attribute("documentationUri", type="reference", references=("external",), mutability="readOnly"),
    _fixed("patch", "complex", _SUPPORTED),
    _fixed("bulk", "complex", _SUPPORTED, _fixed("maxOperations", "integer"), _fixed("maxPayloadSize", "integer")),
    _fixed("filter", "complex", _SUPPORTED, _fixed("maxResults", "integer")),
    _fixed("changePassword", "complex", _SUPPORTED),
    _fixed("sort", "complex", _SUPPORTED),
    _fixed("etag", "complex", _SUPPORTED),
    _fixed(
        "authenticationSchemes", "complex", _fixed("type"), _fixed("name"), _fixed("description"),
        Attribute("specUri", type="reference", references=("external",), mutability="readOnly"),
        Attribute("primary", type="boolean", mutability="readOnly"), is_multiple=True,
    ),
)  # fmt: skip
_RESOURCE_TYPE: Final = (
    Attribute("id", mutability="readOnly"),
    _fixed("name"),
    Attribute("description", mutability="readOnly"),
    Attribute("endpoint", type="reference", references=("uri",), is_required=True, mutability="readOnly"),
    Attribute("schema", type="reference", references=("uri",), is_required=True, is_exact=True, mutability="readOnly"),
)
_SCHEMA: Final = (
    _fixed("id"),
    Attribute("name", mutability="readOnly"),
    Attribute("description", mutability="readOnly"),
    _fixed(
        "attributes", "complex", _fixed("name"), _fixed("type"), _fixed("multiValued", "boolean"),
        Attribute("description", mutability="readOnly"), _fixed("required", "boolean"),
        Attribute("canonicalValues", is_multiple=True, mutability="readOnly"),
        Attribute("caseExact", type="boolean", mutability="readOnly"), Attribute("mutability", mutability="readOnly"),
        Attribute("returned", mutability="readOnly"), Attribute("uniqueness", mutability="readOnly"),
        Attribute("referenceTypes", is_multiple=True, mutability="readOnly"), is_multiple=True,
    ),
)  # fmt: skip
