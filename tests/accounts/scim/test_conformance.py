"""scim2-tester, which holds a server against RFC 7643 and 7644, finds nothing to complain of."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept_connection():
    """Requests leave the test's connection open, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_scim2_tester_is_content(okta, settings, kept_connection):
    from scim2_client.engines.wsgi import WSGISCIMClient
    from scim2_tester import Status, check_server

    settings.PUBLIC_BASE_URL = "http://testserver"
    client = WSGISCIMClient(
        WSGIHandler(), base_url="http://testserver/scim/v2", headers={"Authorization": f"Bearer {okta.token}"}
    )
    results = check_server(client)
    bad = [result for result in results if result.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert [(one.title, one.status.name, one.resource_type, one.reason, one.data) for one in bad] == []
    assert [(one.title, one.reason) for one in results if one.status is Status.SKIPPED] == []
    assert len(results) > 40


def test_an_idle_web_process_has_loaded_no_library_of_it():
    code = (
        "import django; django.setup(); import crm_project.urls, crm_project.asgi, sys;"
        "print([name for name in ('pydantic', 'scim2_models', 'werkzeug') if name in sys.modules])"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "crm_project.settings", "DEBUG": "true", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
