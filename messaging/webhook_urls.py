"""What providers post to. The addresses are written down in their consoles: they don't change."""

from django.urls import path

from messaging.intake.webhook_views import receive

app_name = "webhooks"

urlpatterns = [
    # Addresses of the first provider, under the names that they have always had.
    path("twilio/whatsapp", receive, {"provider": "twilio", "hook": "whatsapp"}, name="twilio_whatsapp"),
    path("twilio/sms", receive, {"provider": "twilio", "hook": "sms"}, name="twilio_sms"),
    path("twilio/status", receive, {"provider": "twilio", "hook": "status"}, name="twilio_status"),
    path("<slug:provider>/<slug:hook>", receive, name="receive"),
]
