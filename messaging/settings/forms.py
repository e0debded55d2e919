"""The forms of channels: an account with the fields of its provider, and the range of a backfill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from accounts.calendars.choosing import CalendarChoice
from core.edits import EditMixin
from core.encryption import DecryptionFailed
from core.tenancy import current_organization
from messaging.channels import registry
from messaging.channels.base import Capabilities, CredentialField, Kind
from messaging.delivery.outgoing import MAX_SIGNATURE_LENGTH
from messaging.models import Channel
from messaging.texts import placeholders

# What a signature may name: it stands under every answer, whoever it is to.
IN_SIGNATURE: Final = ("agent.name", "organization")
MAX_CREDENTIAL_LENGTH: Final = 4_000
FASTEST: Final = 1_000
ACCOUNT: Final = "account_"
FORGET: Final = "forget_"
BASICS: Final[tuple[str, ...]] = ("name", "address", "is_enabled", "rate_per_second", "calendar")
_YES_OR_NO: Final = ("true", "false")


class ChannelForm(EditMixin):
    """A channel of this kind at this provider, new or changed.

    The provider says what its accounts need. A secret is never shown again: left empty, it stays what it is.
    """

    refused_fields = {"credentials.": ACCOUNT, "business_hours": "calendar"}
    name = forms.CharField(
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="What your team calls it, such as “Front desk”.",
    )
    address = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    is_enabled = forms.BooleanField(
        label="Switched on",
        required=False,
        initial=True,
        help_text="Switched off, nothing leaves. What customers write still comes in.",
    )
    rate_per_second = forms.FloatField(
        label="Messages a second",
        required=False,
        min_value=0.01,
        max_value=FASTEST,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    def __init__(self, *args: Any, kind: Kind, provider: str, channel: Channel | None = None, **more: Any) -> None:
        self.kind = kind
        self.channel = channel
        self.capabilities: Capabilities = registry.capabilities(provider, kind)
        self.credential_fields: Sequence[CredentialField] = registry.provider(provider).credential_fields(kind)
        self.held = _held(channel)
        initial = _initial_of(channel) if channel is not None else {}
        super().__init__(*args, record=channel, **{**more, "initial": {**initial, **more.get("initial", {})}})
        if kind == Kind.WEB:
            del self.fields["address"]  # the organization's own site has none
        else:
            _name_address(self.fields["address"], kind)
        usual = f"{self.capabilities.rate_per_second:g}"
        self.fields["rate_per_second"].help_text = f"Empty: {usual}, what is usual for {self.capabilities.label}."
        self.fields["calendar"] = CalendarChoice(current_organization())
        for one in self.credential_fields:
            self._add_credential(one)
        self._add_settings()

    @property
    def basics(self) -> list[forms.BoundField]:
        """The bound fields for name, address, whether it is on, its rate and its business hours."""
        return [self[name] for name in BASICS if name in self.fields]

    @property
    def account(self) -> list[forms.BoundField]:
        """The bound fields of the provider's account."""
        return [self[name] for name in self.fields if name.startswith((ACCOUNT, FORGET))]

    @property
    def answers(self) -> list[forms.BoundField]:
        """The bound fields for signature and reply address."""
        return [self[name] for name in ("signature", "reply_address", "signs") if name in self.fields]

    def clean_signature(self) -> str:
        text = str(self.cleaned_data["signature"]).replace("\r\n", "\n").strip()
        try:
            named = [one.name for one in placeholders.parse(text)]
        except placeholders.InvalidPlaceholder as error:
            raise ValidationError(str(error)) from error
        if wrong := [name for name in named if name not in IN_SIGNATURE]:
            known = " and ".join(IN_SIGNATURE)
            raise ValidationError(f"“{wrong[0]}” can’t stand in a signature. It knows {known}.")
        return text

    def values(self) -> dict[str, Any]:
        """What the service takes: `credentials` holds only what was given or is to be forgotten."""
        entered = self.changed
        values = {name: entered[name] for name in BASICS if name in entered}
        credentials = {
            one.key: self._credential(one)
            for one in self.credential_fields
            if {f"{ACCOUNT}{one.key}", f"{FORGET}{one.key}"} & set(entered)
        }
        settings = {**(self.channel.settings or {})} if self.channel is not None else {}
        settings |= {name: entered[name] for name in ("signature", "signs") if name in entered}
        if "reply_address" in entered:
            settings["reply_address"] = "plus" if entered["reply_address"] else "plain"
        if credentials or not self.is_edit:
            values["credentials"] = credentials
        if not self.is_edit or {"signature", "signs", "reply_address"} & set(entered):
            values["settings"] = settings
        return values

    def _credential(self, one: CredentialField) -> object:
        value = self.cleaned_data[f"{ACCOUNT}{one.key}"]
        if one.default in _YES_OR_NO:
            return "true" if value else "false"
        if one.is_secret:
            is_forgotten = self.cleaned_data.get(f"{FORGET}{one.key}") and not value
            return "" if is_forgotten else value or None
        return value.strip() or one.default

    def _add_credential(self, one: CredentialField) -> None:
        is_held = one.key in self.held
        shared: dict[str, Any] = {"label": one.label, "help_text": one.help}
        if one.default in _YES_OR_NO:
            current = str(self.held.get(one.key, one.default)).lower()
            field: forms.Field = forms.BooleanField(
                required=False, initial=current in ("true", "1", "yes", "on"), **shared
            )
        elif one.is_secret:
            help_text = "It is set and never shown again. Leave it empty to keep it."
            shared["help_text"] = f"{help_text} {one.help}" if is_held else one.help
            field = forms.CharField(
                max_length=MAX_CREDENTIAL_LENGTH,
                required=one.is_required and not is_held,
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
                **shared,
            )
        else:
            field = forms.CharField(
                max_length=MAX_CREDENTIAL_LENGTH,
                required=one.is_required,
                initial=str(self.held.get(one.key) or one.default),
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
                **shared,
            )
        # A secret that is needed and can't be read any more is asked for with every save.
        field.is_always_entered = one.is_secret and one.is_required and not is_held  # type: ignore[attr-defined]
        self.fields[f"{ACCOUNT}{one.key}"] = field
        if one.is_secret and is_held and not one.is_required:
            self.fields[f"{FORGET}{one.key}"] = forms.BooleanField(label=f"Forget: {one.label}", required=False)

    def _add_settings(self) -> None:
        settings: Mapping[str, object] = self.channel.settings or {} if self.channel is not None else {}
        if self.kind == Kind.EMAIL:
            self.fields["signature"] = forms.CharField(
                required=False,
                max_length=MAX_SIGNATURE_LENGTH,
                initial=settings.get("signature", ""),
                widget=forms.Textarea(attrs={"rows": 4, "dir": "auto", "spellcheck": "true"}),
                help_text="Stands under every mail. It may name {{ agent.name }}, who writes, and {{ organization }}.",
            )
            self.fields["reply_address"] = forms.BooleanField(
                label="Answers come to a signed address",
                required=False,
                initial=settings.get("reply_address", "plus") == "plus",
                help_text="Such as desk+c4…@clinic.example: an answer finds its conversation whatever else is in the "
                "mail. Switch it off where your mail server does not take a plus in an address.",
            )
        if self.capabilities.has_typing:
            self.fields["signs"] = forms.BooleanField(
                label="Show when we type and read",
                required=False,
                initial=settings.get("signs", True) is not False,
                help_text="The customer sees that somebody writes, and that the message was read.",
            )


class CatchUpForm(forms.Form):
    """The range to ask a provider about; both ends may be left out."""

    since = forms.DateTimeField(
        label="From",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: since the last time, or one day.",
    )
    until = forms.DateTimeField(
        label="To",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: now. At most 30 days at once.",
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since >= until:
            self.add_error("until", "The end lies before the beginning. Choose a later one.")
        return cleaned


def _name_address(field: forms.Field, kind: Kind) -> None:
    field.label = "E-mail address" if kind == Kind.EMAIL else "Phone number"
    if kind == Kind.EMAIL:
        field.help_text = "From which your mails come, and to which customers write."
        field.widget.input_type = "email"
    else:
        field.help_text = "With its country, such as +44 7700 900123: the one that customers see."
        field.widget.input_type = "tel"


def _held(channel: Channel | None) -> Mapping[str, Any]:
    """The stored credentials; empty where they can't be decrypted, so that they have to be entered again."""
    if channel is None:
        return {}
    try:
        credentials = channel.credentials or {}
    except DecryptionFailed:
        return {}
    return {key: value for key, value in credentials.items() if value not in (None, "")}


def _initial_of(channel: Channel) -> dict[str, object]:
    own = {name: getattr(channel, name) for name in BASICS if name != "calendar"}
    return {**own, "calendar": str(channel.calendar_id or "")}
