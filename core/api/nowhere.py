"""The answer to API addresses that do not exist."""

from __future__ import annotations

from collections.abc import Sequence

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@extend_schema(exclude=True)
class NowhereView(APIView):
    """A 404 in the API's error format, for every method, instead of an HTML page."""

    authentication_classes: Sequence[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise exceptions.NotFound("There is no such call. See /api/v1/docs.")

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        raise exceptions.NotFound
