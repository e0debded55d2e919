"""What providers call. The addresses are written down in their consoles: they don't change."""

from django.urls import path

from messaging.intake import webhook_views as webhooks

app_name = "webhooks"

urlpatterns = [
    path("twilio/whatsapp", webhooks.twilio_message, {"kind": "whatsapp"}, name="twilio_whatsapp"),
    path("twilio/sms", webhooks.twilio_message, {"kind": "sms"}, name="twilio_sms"),
    path("twilio/status", webhooks.twilio_status, name="twilio_status"),
]
