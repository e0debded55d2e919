"""What follows from every new password, wherever it is set: a page, the admin, a command."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.credentials import passwords
from accounts.models import User
from activity.actor import ActorKind, current_actor


class EndsSignIns:
    """Refuses no password. Django tells it of each that was stored; then every sign-in with the old one ends."""

    def validate(self, password: str, user: object = None) -> None:
        return

    def password_changed(self, password: str, user: object = None) -> None:
        """Called by `User.save()` after the row is written."""
        if isinstance(user, User):
            actor = current_actor()
            passwords.changed(user=user, actor=None if actor.kind == ActorKind.SYSTEM else actor)

    def get_help_text(self) -> str:
        return _("A new password ends every other sign-in: browsers, apps and API tokens.")
