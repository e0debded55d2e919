from __future__ import annotations

from django import forms

from messaging.channels.base import Kind

LABELS = {Kind.WHATSAPP: "WhatsApp", Kind.SMS: "SMS", Kind.EMAIL: "E-mail", Kind.WEB: "Web"}


class TemplateForm(forms.Form):
    """A template's text; the service checks its placeholders."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    channel = forms.ChoiceField(choices=[(kind.value, label) for kind, label in LABELS.items()])
    language = forms.CharField(
        max_length=16,
        initial="und",
        help_text="Such as en or pt-BR; “und” is for everybody whose language has no text of its own.",
    )
    category = forms.CharField(max_length=60, required=False, help_text="What it is filed under, such as Reminders.")
    subject = forms.CharField(max_length=200, required=False, help_text="Of an e-mail.")
    body = forms.CharField(
        label="Text", max_length=20_000, widget=forms.Textarea(attrs={"rows": 8, "dir": "auto", "spellcheck": "true"})
    )
