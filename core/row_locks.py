"""Rows that are held from the look at them to the write, so that nothing slips in between."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponseBase

from core.encryption import EncryptedJSONField

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def writes_at_once(view: View) -> View:
    """Make a POST of this view one transaction; a GET, which only reads, begins none."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return cast("View", wrapped)


def lock_rows(request: HttpRequest, *records: models.Model | None) -> None:
    """Of a POST: nobody else changes these until the transaction ends, and each is as it is by now.

    In this order, which is the services' own: a customer before what is theirs. Raises Http404 for one that is gone.
    """
    if request.method != "POST":
        return
    for record in records:
        if record is None:
            continue
        try:
            _read_again(record)
        except type(record).DoesNotExist as error:  # type: ignore[attr-defined]
            raise Http404("This was deleted meanwhile.") from error


def _read_again(record: models.Model) -> None:
    """Every field, under the row's lock. Secrets stay closed: one that can't be read is no reason to fail here."""
    kind = type(record)
    sealed = [field.attname for field in kind._meta.concrete_fields if isinstance(field, EncryptedJSONField)]
    open_fields = [field.attname for field in kind._meta.concrete_fields if field.attname not in sealed]
    rows = kind._base_manager.select_for_update(of=("self",), no_key=True)
    record.refresh_from_db(from_queryset=rows, fields=open_fields if sealed else None)
    if sealed:
        fresh = kind._base_manager.only(*sealed).get(pk=record.pk)
        vars(record).update({name: vars(fresh)[name] for name in sealed})
