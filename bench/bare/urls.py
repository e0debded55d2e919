from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from bench.bare.models import Row


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    Row.objects.create(key=uuid.uuid4().hex, body=request.body)
    return HttpResponse("", content_type="text/xml")


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("bare", insert), path("health", health)]
