"""Why somebody sees a record: what the rules of reach find, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _


class Why(StrEnum):
    """The rule by which a member sees a record; of several the first."""

    OWNER = "owner"  # it, or its customer, is theirs
    MAKER = "maker"  # they made it
    ALL = "all"  # their role reaches everything
    TEAM = "team"  # their role reaches their teams' records, and its owner is in one
    POOL = "pool"  # it is nobody's yet


@dataclass(frozen=True, slots=True)
class Reason:
    """`owner` is whose the record is, where that is not the member; `teams` are those of the member with them."""

    why: Why
    owner: str = ""
    teams: tuple[str, ...] = ()

    def sentence(self, role: str) -> str:
        """In words, about a member with this role."""
        match self.why:
            case Why.OWNER:
                return _("It is theirs.")
            case Why.MAKER:
                return _("They made it.")
            case Why.ALL:
                return _("The role %(role)s reaches every record.") % {"role": role}
            case Why.POOL:
                return _("It is nobody’s yet, and the role %(role)s reaches those.") % {"role": role}
        words = _("The role %(role)s reaches the records of their teams, and %(owner)s is with them in: %(teams)s.")
        return words % {"role": role, "owner": self.owner, "teams": ", ".join(self.teams)}
