from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.fields import OneLine
from core.ids import uuid7


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> User:
        """Sign-in is without regard to case."""
        return self.get(email__iexact=email or "")

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user with a usable password, or none when it is left out (an invitation sets it)."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


def place_of_photo(user: User, filename: str) -> str:
    """By an id only: nobody's name stands on a disk, and nothing typed becomes a path."""
    return f"photos/{uuid7()}"


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in, by e-mail. What they may do is said by their memberships.

    `is_staff` and `is_superuser` are the installation's administrators: they enter the Django admin.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail address", max_length=254, unique=True)
    name = OneLine(max_length=150, blank=True)
    photo = models.FileField(upload_to=place_of_photo, max_length=200, blank=True, default="", db_default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may enter the admin", default=False)
    # Sessions that began before are over, whichever browser has them.
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Since when there is a second factor, of whatever kind; kept by accounts.credentials.second_factor.
    second_factor_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Somebody else chose the password: nothing is open before the person has set their own.
    must_change_password = models.BooleanField(default=False, db_default=False, editable=False)
    # No person but a system's place in one organization: no password, no sign-in, no mail; it acts by API keys alone.
    is_service = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        """Also None, for none at all; `save()` tells the password validators of either."""
        super().set_password(raw_password)
        if raw_password is None:
            self._password = ""  # Django tells nobody of a password that was taken away

    def set_unusable_password(self) -> None:
        """Nobody signs in with a password any more; it is a change like any other."""
        self.set_password(None)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is compared with on every request: Django's own digest of the password, until all of a
        user's sessions were ended for the first time; from then on also of that moment."""
        digest: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if self.sessions_ended_at is None:
            return digest
        return salted_hmac("accounts.User.sessions", digest + self.sessions_ended_at.isoformat()).hexdigest()

    @property
    def has_second_factor(self) -> bool:
        """Whether the password alone lets nobody in."""
        return self.second_factor_at is not None

    @property
    def photo_version(self) -> str:
        """Changes with the photo, so that a browser which keeps one asks for the next."""
        return str(self.photo.name or "")[-12:]

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        """What colleagues see: the name, else the part before the @."""
        return self.name or self.email.split("@")[0]
