"""`/scim/v2`: no page and no call of the API; a directory's token is the permission."""

from django.urls import path, re_path

from accounts.scim import views
from accounts.scim.schemas import GROUPS, USERS

app_name = "scim"

urlpatterns = [
    path("ServiceProviderConfig", views.ServiceProviderConfigView.as_view(), name="config"),
    path("ResourceTypes", views.ResourceTypesView.as_view(), name="resource_types"),
    path("ResourceTypes/<str:name>", views.ResourceTypesView.as_view(), name="resource_type"),
    path("Schemas", views.SchemasView.as_view(), name="schemas"),
    path("Schemas/<str:name>", views.SchemasView.as_view(), name="schema"),
    path("Me", views.NotBuiltView.as_view(), name="me"),
    path("Bulk", views.NotBuiltView.as_view(), name="bulk"),
    path(".search", views.SearchView.as_view(), name="search"),
    path("Users", views.UsersView.as_view(), name="users"),
    path("Users/.search", views.SearchView.as_view(endpoint=USERS.endpoint), name="search_users"),
    path("Users/<str:pk>", views.UserView.as_view(), name="user"),
    path("Groups", views.GroupsView.as_view(), name="groups"),
    path("Groups/.search", views.SearchView.as_view(endpoint=GROUPS.endpoint), name="search_groups"),
    path("Groups/<str:pk>", views.GroupView.as_view(), name="group"),
    re_path("^.*$", views.NothingView.as_view(), name="nothing"),
]
