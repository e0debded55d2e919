from django.urls import path

from workflows.rules import views as rules

app_name = "workflows"

urlpatterns = [
    path("settings/rules/", rules.rule_list, name="rules"),
    path("settings/rules/<uuid:pk>/", rules.rule_detail, name="rule"),
    path("settings/rules/<uuid:pk>/try/", rules.try_rule, name="try_rule"),
    path("settings/rules/<uuid:pk>/switch/", rules.switch, name="switch_rule"),
    path("settings/rules/<uuid:pk>/delete/", rules.delete_rule, name="delete_rule"),
    path("settings/rules/runs/<uuid:pk>/", rules.run_detail, name="run"),
    path("settings/rules/runs/<uuid:pk>/retry/", rules.retry, name="retry_run"),
    path("settings/rules/runs/<uuid:pk>/continue/", rules.continue_run, name="continue_run"),
    path("settings/rules/runs/<uuid:pk>/cancel/", rules.cancel_run, name="cancel_run"),
]
