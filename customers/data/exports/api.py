"""`/customers/export`: what is filtered, as a file."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.errors import invalid
from core.streaming import streamed
from customers.data.exports import services as exports
from customers.models import Customer
from customers.people.api_access import read_filters
from customers.people.customers.serializers import CustomerParameters

OWN_PARAMETERS = ("format", "columns", "bom")


class AnyAnswer(BaseContentNegotiation):
    """`format` is a parameter of ours here, and whatever the client accepts it gets the file, or an error in JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ExportActions(OrganizationViewSet[Customer]):
    """What exporting adds to `/customers`."""

    @extend_schema(
        parameters=[
            CustomerParameters,
            OpenApiParameter("format", str, enum=list(exports.FORMATS), default=exports.CSV),
            OpenApiParameter(
                "columns", str, description="Names separated by commas, custom.<key> too; every column without it."
            ),
            OpenApiParameter(
                "bom", bool, default=True, description="Whether a CSV begins with the mark by which Excel knows UTF-8."
            ),
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, exports.FORMATS[exports.XLSX]): OpenApiTypes.BINARY,
            403: OpenApiResponse(description="Not permitted."),
        },
    )
    @action(detail=False, content_negotiation_class=AnyAnswer)
    def export(self, request: Request) -> HttpResponseBase:
        """The filtered list as CSV or XLSX, streamed. Cells of a CSV that a program would run begin with a '."""
        query = request.query_params
        begun = exports.begin(
            member=self.member,
            actor=current_actor(),
            filters=read_filters(request, *OWN_PARAMETERS),
            columns=[name.strip() for name in query.get("columns", "").split(",") if name.strip()] or None,
            format=query.get("format") or exports.CSV,
            bom=_flag(query.get("bom", "true")),
        )
        return streamed(request, begun.pieces(), content_type=begun.content_type, filename=begun.filename)


def _flag(text: str) -> bool:
    if text.casefold() not in ("true", "false", "1", "0"):
        raise invalid("bom", "Use true or false.")
    return text.casefold() in ("true", "1")
