"""Model fields for texts of one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression

# C0, DEL and C1, and Unicode's own separators of lines and paragraphs.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """The text with one blank for every line break, tab or other control character; none at its ends.

    A name with a line break would split a mail's header, a line of a calendar or a log, or a cell of a table.
    """
    if text.isprintable():
        return text
    parts = [part.strip() for part in _CONTROLS.split(text)]
    return " ".join(part for part in parts if part) if len(parts) > 1 else text


class OneLine(models.CharField):
    """A CharField whose texts have one line, whoever writes them: form, call, import, provider or bulk writer.

    Texts of before are given out in one line as well. For the database, and so for migrations, it is a CharField.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        """The object in hand has what was written."""
        value = _cleaned(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def to_python(self, value: object) -> object:
        return _cleaned(super().to_python(value))

    def get_prep_value(self, value: object) -> object:
        return _cleaned(super().get_prep_value(value))

    def from_db_value(self, value: object, expression: object, connection: object) -> object:
        return _cleaned(value)


class OneLineTexts(models.JSONField):
    """A JSONField of one object whose values, where they are texts, have one line; an address, for instance."""

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        value = _each_cleaned(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_db_prep_value(self, value: object, connection: BaseDatabaseWrapper, prepared: bool = False) -> object:
        return super().get_db_prep_value(_each_cleaned(value), connection, prepared)

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> object:
        return _each_cleaned(super().from_db_value(value, expression, connection))


def _cleaned(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _each_cleaned(value: object) -> object:
    return {key: _cleaned(part) for key, part in value.items()} if isinstance(value, dict) else value
