from django.urls import path

from accounts.account import confirm_views as confirming
from accounts.account import provider_views as connecting
from accounts.account import setup_views as setup
from accounts.invitations import views as invitations
from accounts.sign_in import passkey_views as passkey
from accounts.sign_in import password_views as passwords
from accounts.sign_in import provider_views as provider
from accounts.sign_in import second_step_views as second_step
from accounts.sign_in import views as signing

app_name = "accounts"

urlpatterns = [
    path("", signing.home, name="home"),
    path("sign-in/", signing.sign_in_page, name="sign_in"),
    path("sign-in/code/", second_step.second_step, name="second_step"),
    path("sign-in/code/passkey/", passkey.second_step_passkey, name="second_step_passkey"),
    path("sign-in/passkey/", passkey.passkey, name="passkey"),
    path("sign-in/provider/", provider.choose_provider, name="choose_provider"),
    path("sign-in/provider/<uuid:pk>/callback/", provider.callback, name="provider_callback"),
    path("sign-in/to/<slug:organization>/", provider.provider_page, name="provider"),
    path("sign-in/to/<slug:organization>/start/", provider.start, name="provider_start"),
    path("account/provider/<slug:organization>/", connecting.connect_provider, name="connect_provider"),
    path("account/passkeys/new/", setup.add_passkey, name="add_passkey"),
    path("account/confirm/", confirming.confirm, name="confirm"),
    path("account/new-password/", confirming.new_password, name="new_password"),
    path("account/authenticator-app/", setup.set_up_app, name="set_up_app"),
    path("account/recovery-codes/", setup.recovery_codes, name="recovery_codes"),
    path("account/recovery-codes/new/", setup.renew_codes, name="renew_codes"),
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
