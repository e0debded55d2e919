"""Pages of an organization that belong to no app above."""

from django.urls import path

from accounts.account import profile_views as profiles
from accounts.account import provider_views as provider
from accounts.account import views as account
from accounts.api_keys import views as api_keys
from accounts.audit import views as audit
from accounts.calendars import views as calendars
from accounts.explanations import views as explanations
from accounts.frame import home_views as home
from accounts.frame import palette_views as palette
from accounts.hand_over import views as hand_over
from accounts.health import views as health
from accounts.jobs import views as jobs
from accounts.people import impersonation_views as impersonating
from accounts.people import invitation_views as invitations
from accounts.people import service_views as services
from accounts.people import views as people
from accounts.roles import views as roles
from accounts.scim_settings import views as scim
from accounts.settings import views as settings
from accounts.sign_in_settings import views as sign_in
from accounts.teams import views as teams

app_name = "organization"

urlpatterns = [
    path("", home.home_page, name="home"),
    path("palette/", palette.search, name="palette"),
    path("account/", profiles.profile, name="profile"),
    path("account/photo/", profiles.set_photo, name="set_photo"),
    path("account/photo/remove/", profiles.remove_photo, name="remove_photo"),
    path("people/<uuid:pk>/photo/", profiles.photo, name="photo"),
    path("settings/people/<uuid:pk>/profile/", profiles.member_profile, name="member_profile"),
    path("settings/people/<uuid:pk>/photo/remove/", profiles.remove_member_photo, name="remove_member_photo"),
    path("account/password/", account.password_page, name="account_password"),
    path("account/security/", account.security_page, name="security"),
    path("account/security/app/remove/", account.remove_app, name="remove_app"),
    path("account/security/passkeys/<uuid:pk>/remove/", account.remove_passkey, name="remove_passkey"),
    path("account/security/browsers/<uuid:pk>/forget/", account.forget_browser, name="forget_browser"),
    path("account/security/provider/disconnect/", provider.disconnect_provider, name="disconnect_provider"),
    path("account/devices/", account.devices_page, name="devices"),
    path("account/devices/<uuid:pk>/end/", account.end_session, name="end_session"),
    path("account/devices/apps/<uuid:pk>/end/", account.end_family, name="end_app_session"),
    path("account/devices/end-others/", account.end_others, name="end_other_sessions"),
    path("account/api-keys/", api_keys.own_keys, name="own_api_keys"),
    path("settings/api-keys/", api_keys.key_list, name="api_keys"),
    path("settings/api-keys/new/", api_keys.new_key, name="new_api_key"),
    path("settings/api-keys/<uuid:pk>/", api_keys.key_detail, name="api_key"),
    path("settings/api-keys/<uuid:pk>/secret/", api_keys.key_secret, name="api_key_secret"),
    path("settings/api-keys/<uuid:pk>/rotate/", api_keys.rotate_key, name="rotate_api_key"),
    path("settings/api-keys/<uuid:pk>/narrow/", api_keys.narrow_key, name="narrow_api_key"),
    path("settings/api-keys/<uuid:pk>/revoke/", api_keys.revoke_key, name="revoke_api_key"),
    path("doctor/", health.health_page, name="health"),
    path("doctor/check/", health.check_again, name="check_health"),
    path("settings/", settings.index, name="settings"),
    path("settings/organization/", settings.organization_settings, name="organization_settings"),
    path("settings/organization/logo/", settings.set_logo, name="set_logo"),
    path("settings/organization/logo/remove/", settings.remove_logo, name="remove_logo"),
    path("logo/", settings.logo, name="logo"),
    path("settings/people/", people.people_page, name="people"),
    path("settings/people/invite/", invitations.invite, name="invite"),
    path("settings/people/services/new/", services.new_service, name="new_service"),
    path("settings/people/new/", invitations.new_member, name="new_member"),
    path("settings/people/<uuid:pk>/first-password/", invitations.first_password, name="first_password"),
    path("settings/people/invitations/", invitations.invitations_page, name="invitations"),
    path("settings/people/invitations/<uuid:pk>/resend/", invitations.resend, name="resend_invitation"),
    path("settings/people/invitations/<uuid:pk>/revoke/", invitations.revoke, name="revoke_invitation"),
    path("settings/people/<uuid:pk>/", people.member_page, name="member"),
    path("settings/people/<uuid:pk>/deactivate/", people.deactivate, name="deactivate_member"),
    path("settings/people/<uuid:pk>/reactivate/", people.reactivate, name="reactivate_member"),
    path("settings/people/<uuid:pk>/second-factor/", people.reset_second_factor, name="reset_second_factor"),
    path("settings/people/<uuid:pk>/impersonate/", impersonating.impersonate, name="impersonate"),
    path("settings/people/<uuid:pk>/view/", impersonating.view_as_member, name="view_as_member"),
    path("impersonation/stop/", impersonating.end_impersonation, name="end_impersonation"),
    path("account/devices/impersonations/<uuid:pk>/end/", impersonating.end_of_mine, name="end_own_impersonation"),
    path("settings/people/<uuid:pk>/remove/", people.remove, name="remove_member"),
    path("settings/people/<uuid:pk>/hand-over/", hand_over.hand_over_page, name="hand_over"),
    path("settings/people/<uuid:pk>/hand-over/list/", hand_over.hand_over_list, name="hand_over_list"),
    path("who-sees/", explanations.who_sees, name="who_sees"),
    path("settings/people/<uuid:pk>/sees/", explanations.what_they_see, name="what_they_see"),
    path("jobs/<uuid:pk>/handed-over/", hand_over.hand_over_file, name="hand_over_file"),
    path("jobs/<uuid:pk>/", jobs.job_page, name="job"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel_job"),
    path("settings/audit/", audit.audit_log, name="audit_log"),
    path("settings/audit/export/", audit.export_audit_log, name="export_audit_log"),
    path("settings/audit/integrity/", audit.audit_integrity, name="audit_integrity"),
    path("settings/audit/integrity/check/", audit.check_audit_log, name="check_audit_log"),
    path("settings/audit/integrity/heads/<uuid:pk>/", audit.audit_head, name="audit_head"),
    path("settings/audit/<uuid:pk>/", audit.audit_entry, name="audit_entry"),
    path("settings/calendars/", calendars.calendar_list, name="calendars"),
    path("settings/calendars/new/", calendars.new_calendar, name="new_calendar"),
    path("settings/calendars/<uuid:pk>/", calendars.calendar_detail, name="calendar"),
    path("settings/calendars/<uuid:pk>/edit/", calendars.edit_calendar, name="edit_calendar"),
    path("settings/calendars/<uuid:pk>/delete/", calendars.delete_calendar, name="delete_calendar"),
    path("settings/calendars/<uuid:pk>/default/", calendars.make_default, name="make_default_calendar"),
    path("settings/calendars/<uuid:pk>/exception/", calendars.set_exception, name="set_calendar_exception"),
    path(
        "settings/calendars/<uuid:pk>/exception/remove/", calendars.remove_exception, name="remove_calendar_exception"
    ),
    path("settings/calendars/<uuid:pk>/close/", calendars.close, name="close_calendar"),
    path("settings/calendars/<uuid:pk>/reopen/", calendars.reopen, name="reopen_calendar"),
    path("settings/roles/", roles.role_list, name="roles"),
    path("settings/roles/new/", roles.new_role, name="new_role"),
    path("settings/roles/permissions/", roles.permission_list, name="permissions"),
    path("settings/roles/<uuid:pk>/", roles.role_detail, name="role"),
    path("settings/roles/<uuid:pk>/edit/", roles.edit_role, name="edit_role"),
    path("settings/roles/<uuid:pk>/delete/", roles.delete_role, name="delete_role"),
    path("settings/roles/<uuid:pk>/view/", roles.view_as, name="view_as_role"),
    path("viewing/stop/", roles.end_view, name="end_view"),
    path("settings/sign-in/", sign_in.sign_in_page, name="sign_in_settings"),
    path("settings/sign-in/provider/", sign_in.edit_provider, name="sign_in_provider"),
    path("settings/sign-in/provider/delete/", sign_in.delete_provider, name="delete_sign_in_provider"),
    path("settings/directory/", scim.directory_page, name="directory"),
    path("settings/directory/edit/", scim.edit_directory, name="edit_directory"),
    path("settings/directory/groups/<uuid:pk>/", scim.directory_group, name="directory_group"),
    path("settings/directory/token/", scim.directory_token, name="directory_token"),
    path("settings/directory/token/new/", scim.rotate_directory, name="rotate_directory"),
    path("settings/directory/turn-off/", scim.turn_off_directory, name="turn_off_directory"),
    path("settings/teams/", teams.team_list, name="teams"),
    path("settings/teams/new/", teams.new_team, name="new_team"),
    path("settings/teams/<uuid:pk>/", teams.team_detail, name="team"),
    path("settings/teams/<uuid:pk>/edit/", teams.edit_team, name="edit_team"),
    path("settings/teams/<uuid:pk>/delete/", teams.delete_team, name="delete_team"),
]
