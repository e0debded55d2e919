"""What a service raises for a request that can't be done, whoever makes it: the API, a form, a page or a command.

A refusal says what is wrong in words for people (`str`), and what a program needs: `code`, `field`, `status`. It is
translated in two places only, `core.api.refused` for the API and `core.refused_pages` for forms and pages. A view that
has nothing else to do with it does not catch it.

An exception that refuses no request derives from nothing here: a provider's error, a parse error inside an adapter, the
end of a job's step.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

if TYPE_CHECKING:
    # For the checker only: nothing here knows an app.
    from accounts.models import Member

# Codes that say no more than the status does; any refusal of that status may have them. Every other code has one
# meaning, which docs/refusals.md gives.
GENERAL_CODES: Final = {
    400: "invalid",
    401: "authentication_failed",
    403: "permission_denied",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    429: "throttled",
}


class Refused(Exception):
    """The base of all refusals.

    `status` is the HTTP status of the API's answer. `code` is for machines, as the contract lists it; the general code
    of the status where a class gives none. `field` is the API's name of the value that is wrong, empty where none is;
    a form or a view whose own name for it differs maps it (`refused_fields`).
    """

    status: ClassVar[int] = 400
    code: str = ""
    field: str = ""
    # Which part of the field, where a form has a field of its own for each part of it.
    part: str = ""
    # Whether what is wrong stands in a page's address, and in none of its forms: there is no such page then.
    is_of_address: ClassVar[bool] = False
    # How long to wait before the same request may succeed, where that is known.
    retry_after: timedelta | None = None

    def __init__(self, detail: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(detail)
        self.code = code or self.code or GENERAL_CODES[self.status]
        self.field = self.field if field is None else field

    def words_for(self, member: Member | None) -> str:
        """The text for this member (None: for somebody who is none, or not known).

        A refusal that names a record says less to those who may not see it.
        """
        return str(self)

    def record_for(self, member: Member | None) -> UUID | None:
        """The id of the record that stands in the way, where the member may see it."""
        return None


class Invalid(Refused):
    """A value that can't be taken; `field` names it."""

    def __init__(self, field: str, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail, field=field, code=code)


@contextmanager
def inside(place: str) -> Generator[None]:
    """Name the fields of what is refused here by their place in a larger body: `status` becomes `filter.status`."""
    try:
        yield
    except Refused as refused:
        refused.field = f"{place}.{refused.field}" if refused.field else place
        raise
