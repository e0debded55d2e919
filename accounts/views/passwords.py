"""A forgotten password: Django's own views, with our pages, and every other sign-in ended afterwards."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from accounts.services import passwords, throttle
from core.http import client_address


class PasswordResetView(views.PasswordResetView):
    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/mail/password_reset.txt"
    subject_template_name = "accounts/mail/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: Any) -> HttpResponse:
        # The link leads to the address that the settings know, whatever host the request was sent to.
        public = urlsplit(settings.PUBLIC_BASE_URL)
        self.extra_email_context = {"protocol": public.scheme, "domain": public.netloc}
        return super().form_valid(form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The answer is the same for every address; that many questions from one place are not.
        address = client_address(request)
        try:
            throttle.require_questions_left(about="reset", address=address)
        except throttle.TooManyAttempts as error:
            form = self.get_form()
            form.add_error(None, str(error))
            return self.render_to_response(self.get_context_data(form=form), status=429)
        throttle.count_question(about="reset", address=address)
        return super().post(request, *args, **kwargs)


class PasswordResetDoneView(views.PasswordResetDoneView):
    template_name = "accounts/password_reset_done.html"


class PasswordResetConfirmView(views.PasswordResetConfirmView):
    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        passwords.changed(user=form.user)
        return response


class PasswordResetCompleteView(views.PasswordResetCompleteView):
    template_name = "accounts/password_reset_complete.html"
