"""Forms that edit a record: only what the person changed is written, compared with what the page showed.

The page carries a signed digest of each displayed value (`snapshot`). A value that comes back unchanged is no
change, whatever the record says by now, and is not checked either: a choice that was taken off its list stays. What the
person and somebody else changed is a `Conflict` that the form asks about; the rest of what was entered is kept.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, cast

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.widgets import Input
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

SNAPSHOT: Final = "snapshot"
KEEP: Final = "keep-"
USE_ENTERED, USE_CURRENT = "mine", "theirs"
_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that the person and somebody else changed; both values in words."""

    name: str
    label: str
    entered: str
    current: str


class EditMixin(forms.Form):
    """A form that knows the `record` which it edits; without one it is a form for a new record.

    `changed` has the cleaned values of the fields that the person changed; `cleaned_data` has all, the others as the
    record has them now. Line breaks in texts are line feeds, as every other way in stores them.
    """

    def __init__(self, *args: Any, record: models.Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.edited = record
        self.conflicts: list[Conflict] = []
        self._entered: list[str] = []
        self._is_unsigned = False

    @property
    def is_edit(self) -> bool:
        return self.edited is not None

    @property
    def changed(self) -> dict[str, Any]:
        """The cleaned values of what the person changed; of a new record all. Of a valid form."""
        if not self.is_edit:
            return dict(self.cleaned_data)
        return {name: self.cleaned_data[name] for name in self._entered if name in self.cleaned_data}

    @property
    def changed_data(self) -> list[str]:
        if not self.is_edit:
            return super().changed_data
        self.errors  # noqa: B018 - compares
        return list(self._entered)

    @property
    def snapshot(self) -> str:
        """The signed digests of the displayed values; for the hidden field `snapshot`."""
        posted = self._posted if self.is_bound else None
        if posted is None:
            digests = {name: digest(self._now(name)) for name in self.fields}
        else:
            digests = {**posted["shown"]}
            digests |= {one.name: digest(self._now(one.name)) for one in self.conflicts}
        conflicting = [one.name for one in self.conflicts]
        return signing.dumps({"shown": digests, "asked": conflicting}, salt=self._salt, compress=True)

    def full_clean(self) -> None:
        self.conflicts, self._entered, self._is_unsigned = [], [], False
        if self.is_edit:
            for name, field in self.fields.items():
                if isinstance(field, forms.ChoiceField):
                    keep_missing_choices(field, self[name].initial)
        if self.is_bound and self.is_edit:
            self._compare()
        super().full_clean()
        self._tidy()

    def _clean_fields(self) -> None:
        if not self.is_edit:
            super()._clean_fields()  # type: ignore[misc]
            return
        everything = self.fields
        try:
            # Django's own way for what was entered; the rest is the record's.
            self.fields = {name: field for name, field in everything.items() if name in self._entered}
            super()._clean_fields()  # type: ignore[misc]
        finally:
            self.fields = everything
        for name in everything:
            if name not in self._entered:
                self.cleaned_data[name] = self._unchanged(name)
        for one in self.conflicts:
            self.add_error(
                one.name, ValidationError(_("Somebody changed this meanwhile. Choose which to keep."), code="conflict")
            )

    def _clean_form(self) -> None:
        # Where nothing was changed nothing can be wrong.
        if not self.is_edit or self._entered:
            super()._clean_form()  # type: ignore[misc]
        if self._is_unsigned:
            self.add_error(
                None,
                _("We can’t tell what this page showed when you opened it. Look through the fields and save again."),
            )

    def _tidy(self) -> None:
        for name, value in getattr(self, "cleaned_data", {}).items():
            is_entered = not self.is_edit or name in self._entered
            if is_entered and isinstance(value, str) and "\r" in value:
                self.cleaned_data[name] = _line_feeds(value)

    # --- What the page showed, what is there now, what came back ------------------------------------------------------

    @property
    def _salt(self) -> str:
        row = self.edited
        return f"edit:{type(self).__name__}:{row._meta.label_lower}:{row.pk}" if row is not None else ""

    @cached_property
    def _posted(self) -> dict[str, Any] | None:
        try:
            loaded = signing.loads(self.data.get(SNAPSHOT, ""), salt=self._salt)
        except signing.BadSignature:
            return None
        return loaded if isinstance(loaded, dict) and {"shown", "asked"} <= set(loaded) else None

    def _compare(self) -> None:
        self._is_unsigned = self._posted is None
        digests: Mapping[str, str] = self._posted["shown"] if self._posted else {}
        requested: Sequence[str] = self._posted["asked"] if self._posted else ()
        for name, field in self.fields.items():
            if field.disabled:
                continue
            if isinstance(field, forms.FileField):
                if self.add_prefix(name) in self.files:
                    self._entered.append(name)
                continue
            bound = self[name]
            is_always_entered = getattr(field, "is_always_entered", False)
            if field.widget.value_omitted_from_data(self.data, self.files, bound.html_name) and not is_always_entered:
                continue
            now, entered = self._now(name), _submitted(field.widget, bound.data)
            choice = self.data.get(f"{KEEP}{bound.html_name}", "") if name in requested else ""
            if choice == USE_CURRENT:
                self._show(bound, now)
                continue
            was = digests.get(name, "" if self._is_unsigned else digest(now))
            if entered == now or digest(entered) == was:
                if is_always_entered:
                    self._entered.append(name)
                continue
            if (was != digest(now) or name in requested) and choice != USE_ENTERED:
                self.conflicts.append(Conflict(name, str(bound.label), _words(field, entered), _words(field, now)))
            else:
                self._entered.append(name)

    def _now(self, name: str) -> object:
        """The record's present value as a page would show it and a browser send it back."""
        field, bound = self.fields[name], self[name]
        return _displayed(field, field.prepare_value(bound.initial))

    def _unchanged(self, name: str) -> object:
        value = self[name].initial
        return "" if value is None and isinstance(self.fields[name], forms.CharField) else value

    def _show(self, bound: forms.BoundField, value: Any) -> None:
        """Have the form show this value instead of what was posted."""
        data = cast("QueryDict", self.data).copy()
        if isinstance(value, list):
            data.setlist(bound.html_name, value)
        elif value is False:
            data.pop(bound.html_name, None)
        else:
            data[bound.html_name] = "on" if value is True else value
        self.data = data


def keep_missing_choices(field: forms.ChoiceField, value: object) -> None:
    """Offer what a record has though it is no longer in the list, so that saving something else does not take it."""
    known = {str(key) for key, _label in _flat(field.choices)}
    values = value if isinstance(value, list | tuple) else [value]
    missing = [str(one) for one in values if one not in (None, "") and str(one) not in known]
    if missing:
        more = [(one, _("%(choice)s (no longer in the list)") % {"choice": one}) for one in missing]
        field.choices = [*cast("Iterable[tuple[object, object]]", field.choices), *more]


def _flat(choices: Any) -> list[tuple[object, object]]:
    flat: list[tuple[object, object]] = []
    for key, label in choices:
        flat += list(label) if isinstance(label, list | tuple) else [(key, label)]
    return flat


def _displayed(field: forms.Field, value: Any) -> object:
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        return bool(widget.check_test(value))
    if isinstance(widget, forms.PasswordInput) and not widget.render_value:
        return ""
    if isinstance(widget, forms.SelectMultiple | forms.CheckboxSelectMultiple):
        return sorted(str(one) for one in value or [])
    if isinstance(widget, forms.Select | forms.RadioSelect):
        text = "" if value is None else str(value)
        known = [str(key) for key, _label in _flat(getattr(field, "choices", ()))]
        # A list without an empty line shows its first one.
        is_list = not isinstance(widget, forms.RadioSelect)
        return known[0] if is_list and known and text not in known else text
    return _sanitized(widget, widget.format_value(value))


def _submitted(widget: forms.Widget, value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return sorted(str(one) for one in value)
    return _sanitized(widget, value)


def _sanitized(widget: forms.Widget, value: object) -> str:
    """What a browser makes of a value (HTML, "value sanitization algorithm" of each type of input)."""
    text = _line_feeds("" if value is None else str(value))
    if isinstance(widget, forms.Textarea) or not isinstance(widget, Input):
        return text
    kind = widget.input_type
    if kind in ("date", "time", "datetime-local"):
        return _moment(kind, text)
    if kind == "number":
        return text if _NUMBER.fullmatch(text) else ""
    text = text.replace("\n", "") if kind != "hidden" else text
    return text.strip(" \t\f") if kind in ("url", "email") else text


def _moment(kind: str, text: str) -> str:
    try:
        if kind == "date":
            return date.fromisoformat(text).isoformat()
        if kind == "time":
            return time.fromisoformat(text).isoformat()
        return datetime.fromisoformat(text).replace(tzinfo=None).isoformat()
    except ValueError:
        return ""


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def digest(value: object) -> str:
    """A short hash of a displayed value, for comparing."""
    return urlsafe_b64encode(
        hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=9).digest()
    ).decode()


def _words(field: forms.Field, value: Any) -> str:
    """The value in words, as the conflict shows it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    names = {str(key): str(label) for key, label in _flat(getattr(field, "choices", ()))}
    if isinstance(value, list):
        return ", ".join(str(names.get(one, one)) for one in value) or "—"
    return str(names.get(value, value) or "—")
