"""Pages of an organization that belong to no app above."""

from django.urls import path

from accounts.frame import home_views as home
from accounts.frame import palette_views as palette
from accounts.jobs import views as jobs
from accounts.people import invitation_views as invitations
from accounts.people import views as people
from accounts.roles import views as roles
from accounts.teams import views as teams

app_name = "organization"

urlpatterns = [
    path("", home.home_page, name="home"),
    path("palette/", palette.search, name="palette"),
    path("settings/people/", people.people_page, name="people"),
    path("settings/people/invite/", invitations.invite, name="invite"),
    path("settings/people/invitations/", invitations.invitations_page, name="invitations"),
    path("settings/people/invitations/<uuid:pk>/resend/", invitations.resend, name="resend_invitation"),
    path("settings/people/invitations/<uuid:pk>/revoke/", invitations.revoke, name="revoke_invitation"),
    path("settings/people/<uuid:pk>/", people.member_page, name="member"),
    path("settings/people/<uuid:pk>/deactivate/", people.deactivate, name="deactivate_member"),
    path("settings/people/<uuid:pk>/reactivate/", people.reactivate, name="reactivate_member"),
    path("settings/people/<uuid:pk>/remove/", people.remove, name="remove_member"),
    path("jobs/<uuid:pk>/", jobs.job_page, name="job"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel_job"),
    path("settings/roles/", roles.role_list, name="roles"),
    path("settings/roles/new/", roles.new_role, name="new_role"),
    path("settings/roles/permissions/", roles.permission_list, name="permissions"),
    path("settings/roles/<uuid:pk>/", roles.role_detail, name="role"),
    path("settings/roles/<uuid:pk>/edit/", roles.edit_role, name="edit_role"),
    path("settings/roles/<uuid:pk>/delete/", roles.delete_role, name="delete_role"),
    path("settings/teams/", teams.team_list, name="teams"),
    path("settings/teams/new/", teams.new_team, name="new_team"),
    path("settings/teams/<uuid:pk>/", teams.team_detail, name="team"),
    path("settings/teams/<uuid:pk>/edit/", teams.edit_team, name="edit_team"),
    path("settings/teams/<uuid:pk>/delete/", teams.delete_team, name="delete_team"),
]
