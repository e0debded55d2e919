"""The second step of a sign-in: a code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.credentials import sign_in
from accounts.sign_in import pending
from accounts.sign_in.forms import CodeForm
from accounts.sign_in.second_step import complete, show
from core.http import redirect_to
from core.refused_pages import on_form


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the code; without a right password before it, to the sign-in."""
    step = pending.of(request)
    if step is None:
        return redirect_to(reverse("accounts:sign_in"))
    form = CodeForm(request.POST or None)
    attempt = on_form(request, form)
    if request.method == "POST" and form.is_valid():
        with attempt:
            sign_in.verify_code(request=request, user=step.user, code=form.cleaned_data["code"])
            return complete(request, step, is_trusted=form.cleaned_data["trust"])
    return show(request, step, form=form, status=attempt.status if attempt.status == 429 else 200)
