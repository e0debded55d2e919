"""What works without signing in, by an address that is signed itself."""

from django.urls import path

from messaging.intake import public_views as public

app_name = "public"

urlpatterns = [
    path("files/<str:token>/<str:name>", public.file, name="file"),
    path("unsubscribe/<str:token>", public.unsubscribe, name="unsubscribe"),
]
