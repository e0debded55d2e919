"""A forgotten password: Django's own views with our pages; the mail leaves by the worker."""

from __future__ import annotations

from django.contrib.auth import views
from django.contrib.auth.forms import SetPasswordForm
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy

from accounts.credentials import password_resets
from accounts.models import User
from core.http import client_address
from core.refused_pages import on_form


class PasswordResetView(views.PasswordResetView):
    template_name = "accounts/sign_in/password_reset.html"
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: BaseForm) -> HttpResponse:
        # The answer, and the time it takes, are the same for every address: the mail is the worker's.
        with on_form(self.request, form) as attempt:
            password_resets.ask(email=form.cleaned_data["email"], address=client_address(self.request))
            return redirect(self.get_success_url())
        return self.render_to_response(self.get_context_data(form=form), status=attempt.status)


class PasswordResetDoneView(views.PasswordResetDoneView):
    template_name = "accounts/sign_in/password_reset_done.html"


class PasswordResetConfirmView(views.PasswordResetConfirmView):
    template_name = "accounts/sign_in/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        # It is their own by this, whoever chose the one of before. A second factor is asked for as ever.
        form.user.must_change_password = False
        return super().form_valid(form)


class PasswordResetCompleteView(views.PasswordResetCompleteView):
    template_name = "accounts/sign_in/password_reset_complete.html"
