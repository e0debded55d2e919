"""What SCIM refuses, as RFC 7644, section 3.12 words it: a status, and a `scimType` where the table there has one.

Raised and answered in this package only. What the services below refuse (`core.refused`) is answered in the same shape.
"""

from __future__ import annotations

from typing import ClassVar


class ScimError(Exception):
    """A request that can't be done; the text is for whoever administers the directory."""

    status: ClassVar[int] = 400
    scim_type: ClassVar[str] = ""


class InvalidFilter(ScimError):
    """No filter, or one that asks for what nobody can look for."""

    scim_type = "invalidFilter"


class InvalidSyntax(ScimError):
    """The body is no JSON, or not built as the request asks for."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """The path of a PATCH leads nowhere."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """The path of a PATCH selects nothing."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value that the attribute can't have, or a required one that is missing."""

    scim_type = "invalidValue"


class NotMutable(ScimError):
    """The attribute, or that of this person, is not for the directory to change."""

    scim_type = "mutability"


class NotUnique(ScimError):
    """Somebody or something else has the value."""

    status, scim_type = 409, "uniqueness"


class TooMany(ScimError):
    """The filter is larger than anybody needs."""

    scim_type = "tooMany"


class BadToken(ScimError):
    """No token of ours, or one that ended."""

    status = 401


class Forbidden(ScimError):
    """The connection may not do this."""

    status = 403


class NotFound(ScimError):
    """There is no such resource in this organization."""

    status = 404


class PreconditionFailed(ScimError):
    """Somebody changed the resource since it was read."""

    status = 412


class TooLarge(ScimError):
    """The body is larger than is taken."""

    status = 413


class NotBuilt(ScimError):
    """Part of the protocol that is not offered, as `/ServiceProviderConfig` says."""

    status = 501
