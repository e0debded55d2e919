"""What a page does with a refusal of a service: it stands at its field of the form, in the page, or is a message.

What no view caught is answered by the middleware, with the status that the refusal has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.htmx import toast
from core.refused import Refused
from core.tenancy import organization_scope


def words_of(request: HttpRequest, refused: Refused) -> str:
    """The text for the member who made the request."""
    return refused.words_for(getattr(request, "member", None))


class Attempt:
    """A block that a refusal ends, and nothing else: what follows the block goes on, and finds its words in `error`.

    A view writes the answer of success into the block. `error` is empty and `status` 200 while nothing was refused.
    """

    error, status = "", 200

    def __init__(self, request: HttpRequest, take: Callable[[Refused], None] | None = None) -> None:
        self.request, self.take = request, take

    def __enter__(self) -> Attempt:
        return self

    # Exactly `bool`: so the checker knows that what follows the block is reached.
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Refused):
            return False
        self.error, self.status = words_of(self.request, error), error.status
        if self.take is not None:
            self.take(error)
        return True


def on_form(request: HttpRequest, form: forms.BaseForm) -> Attempt:
    """What is refused inside becomes an error of the form, and the block ends there: look at `form.errors` after it."""
    return Attempt(request, partial(add_to_form, request, form))


def add_to_form(request: HttpRequest, form: forms.BaseForm, refused: Refused) -> None:
    """Put the refusal at the field that it names; above the form where the form has no such field."""
    field = f"{refused.field}.{refused.part}" if refused.part else refused.field
    form.add_error(field_of(form, field), words_of(request, refused))


def field_of(form: forms.BaseForm, field: str) -> str | None:
    """The form's name of a field of the API; None, which is above the form, where the form has none.

    The form's `refused_fields` says which names differ. One that ends in a dot stands for all that begin with it:
    `{"custom_fields.": "own_"}`. The name "" says where a refusal without a field of the form belongs.
    """
    names: Mapping[str, str] = getattr(form, "refused_fields", {})
    start, dot, rest = field.partition(".")
    name = names.get(field, names[start + dot] + rest if dot and start + dot in names else field)
    if name in form.fields:
        return name
    return names.get("")


def as_message(request: HttpRequest) -> Attempt:
    """What is refused inside is a message on the next page, and the block ends there."""
    return Attempt(request, lambda refused: messages.error(request, words_of(request, refused)))


class RefusedMiddleware:
    """Answers a page's view that let a refusal through; the API has its own handler."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """404 and 403 have their pages; other refusals are a text, for HTMX in a notice beside the page."""
        if not isinstance(exception, Refused):
            return None
        if exception.is_of_address:
            raise Http404(_("This address is not complete.")) from exception
        organization = getattr(request, "organization", None)
        with organization_scope(organization) if organization is not None else nullcontext():
            words = words_of(request, exception)
        if exception.status == 404:
            raise Http404(words) from exception
        if exception.status == 403:
            raise PermissionDenied(words) from exception
        if request.headers.get("HX-Request"):
            return toast(HttpResponse(status=204), words, level="error")
        return HttpResponse(words, status=exception.status, content_type="text/plain; charset=utf-8")
