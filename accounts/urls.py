from django.urls import path

from accounts.invitations import views as invitations
from accounts.sign_in import password_views as passwords
from accounts.sign_in import views as signing

app_name = "accounts"

urlpatterns = [
    path("", signing.home, name="home"),
    path("sign-in/", signing.sign_in_page, name="sign_in"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("sign-up/", signing.sign_up_page, name="sign_up"),
    path("switch/", signing.switch, name="switch"),
    path("invitation/<str:token>/", invitations.invitation_page, name="invitation"),
    path("forgotten-password/", passwords.PasswordResetView.as_view(), name="password_reset"),
    path("forgotten-password/sent/", passwords.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "forgotten-password/<uidb64>/<token>/",
        passwords.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path("forgotten-password/done/", passwords.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]
