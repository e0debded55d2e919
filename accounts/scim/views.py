"""`/scim/v2`: what directories call (RFC 7644). Each request is one transaction in the token's organization."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import ClassVar, TypeVar

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.credentials import throttle
from accounts.models import Member, ScimConnection, Team
from accounts.scim import connections, group_queries, group_services, patch, schemas, user_queries, user_services
from accounts.scim.errors import BadToken, InvalidFilter, InvalidSyntax, NotBuilt, NotFound, NotUnique, ScimError
from accounts.scim.requests import Query, answer, body_of, error_answer, list_answer, query_of
from accounts.scim.schemas import GROUPS, KINDS, USERS, Kind, Resource
from accounts.scim.selection import Selection, selection_of
from accounts.scim.values import read_resource
from accounts.scim.versions import base, is_known, require_same, version_of
from activity.actor import Actor, acting_as
from core import outage
from core.http import client_address
from core.logging import current_request_id
from core.refused import Refused
from core.tenancy import organization_scope

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)
_SCIM_TYPES = {400: "invalidValue", 409: ""}


@method_decorator(csrf_exempt, name="dispatch")
class ScimView(View):
    """A call with a connection's token, in its organization; what it raises is answered in SCIM's shape."""

    connection: ScimConnection
    actor: Actor

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            self.connection = _connection_of(request)
        except (ScimError, Refused) as error:
            return _refusal(error)
        self.actor = connections.actor_of(self.connection, current_request_id())
        with ExitStack() as stack:
            stack.enter_context(organization_scope(self.connection.organization))
            stack.enter_context(acting_as(self.actor))
            response = self._answered(request, *args, **kwargs)
            if response.status_code >= 400 and not (request.method == "GET" and response.status_code == 404):
                self._note(request, response)
        response.headers["Cache-Control"] = "no-store"
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        allowed = HttpResponseNotAllowed([name.upper() for name in self.http_method_names if hasattr(self, name)])
        response = error_answer(405, "This can’t be done with this address.")
        response.headers["Allow"] = allowed.headers["Allow"]
        return response

    def _answered(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            with transaction.atomic():
                response = super().dispatch(request, *args, **kwargs)
        except (ScimError, Refused) as error:
            return _refusal(error)
        except Exception as error:
            if not outage.is_outage(error):
                raise
            outage.note(error)
            response = error_answer(503, outage.message())
            response.headers["Retry-After"] = str(outage.RETRY_AFTER_SECONDS)
        return response

    def _note(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """For the page that shows what went wrong; never a reason to fail."""
        if response.status_code in (501, 503):
            return
        detail = getattr(response, "scim_detail", "")
        connections.note_failure(
            self.connection,
            method=str(request.method),
            path=request.path.removeprefix("/scim/v2"),
            status=response.status_code,
            detail=detail,
        )


class ServiceProviderConfigView(ScimView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(schemas.service_provider_config(base()))


class ResourceTypesView(ScimView):
    def get(self, request: HttpRequest, name: str = "") -> HttpResponse:
        return _described(schemas.resource_types(base(), _kinds(self.connection)), name)


class SchemasView(ScimView):
    def get(self, request: HttpRequest, name: str = "") -> HttpResponse:
        return _described(schemas.schemas(base(), _kinds(self.connection)), name)


class NotBuiltView(ScimView):
    """`/Me` and `/Bulk`: a token is nobody's, and each request stands for itself."""

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        raise NotBuilt("This part of the protocol is not offered; /ServiceProviderConfig says what is.")


class NothingView(ScimView):
    """Every other address."""

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        raise NotFound("There is nothing at this address.")


class UsersView(ScimView):
    kind: ClassVar[Kind] = USERS

    def get(self, request: HttpRequest) -> HttpResponse:
        return _list_answer(*_users(self.connection, query := query_of(request.GET.dict())), query)

    def post(self, request: HttpRequest) -> HttpResponse:
        given = read_resource(USERS, body_of(request))
        member = user_services.create(connection=self.connection, given=given, actor=self.actor)
        if member is None:
            # Not raised: the invitation is to be kept.
            return _refusal(NotUnique(user_services.INVITED))
        return _made(request, user_queries.resource_of(member, self.connection))


class UserView(ScimView):
    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return _shown(request, user_queries.resource_of(self._find(pk), self.connection))

    def put(self, request: HttpRequest, pk: str) -> HttpResponse:
        given = read_resource(USERS, body_of(request))
        return self._change(request, pk, lambda _member: given)

    def patch(self, request: HttpRequest, pk: str) -> HttpResponse:
        body = body_of(request)
        return self._change(request, pk, lambda member: patch.apply(USERS, user_queries.as_written(member), body))

    def delete(self, request: HttpRequest, pk: str) -> HttpResponse:
        member = self._locked(request, pk)
        user_services.delete(connection=self.connection, member=member, actor=self.actor)
        return HttpResponse(status=204)

    def _change(self, request: HttpRequest, pk: str, given: Callable[[Member], Resource]) -> HttpResponse:
        member = self._locked(request, pk)
        changed = user_services.change(connection=self.connection, member=member, given=given(member), actor=self.actor)
        return _shown(request, user_queries.resource_of(changed, self.connection))

    def _locked(self, request: HttpRequest, pk: str) -> Member:
        """The member, of whom nobody changes anything until the transaction ends."""
        connections.lock(self.connection)
        member = self._find(pk)
        require_same(user_queries.resource_of(member, self.connection), request.headers.get("If-Match"))
        return member

    def _find(self, pk: str) -> Member:
        member = user_queries.find(pk)
        if member is None:
            raise NotFound("There is no such user.")
        return member


class GroupsView(ScimView):
    def get(self, request: HttpRequest) -> HttpResponse:
        _require_groups(self.connection)
        return _list_answer(*_groups(query := query_of(request.GET.dict())), query)

    def post(self, request: HttpRequest) -> HttpResponse:
        _require_groups(self.connection)
        given = read_resource(GROUPS, body_of(request))
        team = group_services.create(connection=self.connection, given=given, actor=self.actor)
        return _made(request, group_queries.resource_of(team))


class GroupView(ScimView):
    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        with_members = _selection(request).has("members")
        return _shown(request, group_queries.resource_of(self._find(pk, with_members), with_members=with_members))

    def put(self, request: HttpRequest, pk: str) -> HttpResponse:
        given = read_resource(GROUPS, body_of(request))
        return self._change(request, pk, lambda _team: given)

    def patch(self, request: HttpRequest, pk: str) -> HttpResponse:
        body = body_of(request)
        return self._change(request, pk, lambda team: patch.apply(GROUPS, group_queries.as_written(team), body))

    def delete(self, request: HttpRequest, pk: str) -> HttpResponse:
        group_services.delete(connection=self.connection, team=self._locked(request, pk), actor=self.actor)
        return HttpResponse(status=204)

    def _change(self, request: HttpRequest, pk: str, given: Callable[[Team], Resource]) -> HttpResponse:
        team = self._locked(request, pk)
        changed = group_services.change(connection=self.connection, team=team, given=given(team), actor=self.actor)
        return _shown(request, group_queries.resource_of(changed))

    def _locked(self, request: HttpRequest, pk: str) -> Team:
        connections.lock(self.connection)
        team = self._find(pk)
        require_same(group_queries.resource_of(team), request.headers.get("If-Match"))
        return team

    def _find(self, pk: str, with_members: bool = True) -> Team:
        _require_groups(self.connection)
        team = group_queries.find(pk, with_members=with_members)
        if team is None:
            raise NotFound("There is no such group.")
        return team


class SearchView(ScimView):
    """`POST …/.search`: a list whose parameters stand in the body (RFC 7644, section 3.4.3)."""

    endpoint = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        body = body_of(request)
        if not isinstance(body, dict):
            raise InvalidSyntax("The body has to be a JSON object.")
        query = query_of(body)
        if self.endpoint == USERS.endpoint:
            return _list_answer(*_users(self.connection, query), query)
        if self.endpoint == GROUPS.endpoint:
            _require_groups(self.connection)
            return _list_answer(*_groups(query), query)
        return self._everything(query)

    def _everything(self, query: Query) -> HttpResponse:
        """All users come before all groups. Of what has not the attributes that are asked for nothing is found."""
        users: list[Resource] = []
        how_many, refused = 0, None
        try:
            users, how_many = _users(self.connection, query)
        except InvalidFilter as error:
            refused = error
        if not self.connection.maps_groups:
            if refused is not None:
                raise refused
            return _list_answer(users, how_many, query)
        rest = replace(query, start=max(query.start - how_many, 1), count=query.count - len(users))
        try:
            groups, more = _groups(rest)
        except InvalidFilter:
            if refused is not None:
                raise
            groups, more = [], 0
        return _list_answer([*users, *groups], how_many + more, query)


def _connection_of(request: HttpRequest) -> ScimConnection:
    """Whose token it is. Raises BadToken, OrganizationSuspended, or TooManyAttempts where an address has tried too many
    that are nobody's."""
    scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
    connection = connections.find(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if connection is not None:
        return connection
    address = client_address(request)
    throttle.require_address_allowed(address)
    if token:
        throttle.count_address_failure(address)
    raise BadToken("Send the connection’s token as Authorization: Bearer. This one is none, or not valid any more.")


def _refusal(error: ScimError | Refused) -> HttpResponse:
    if isinstance(error, ScimError):
        response = error_answer(error.status, str(error), error.scim_type)
    else:
        field = f"{error.field}: " if error.field else ""
        response = error_answer(error.status, f"{field}{error}", _SCIM_TYPES.get(error.status, ""))
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(max(int(error.retry_after.total_seconds()), 1))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="scim"'
    response.scim_detail = str(error)  # type: ignore[attr-defined]
    return response


def _kinds(connection: ScimConnection) -> list[Kind]:
    return [kind for kind in KINDS if kind is not GROUPS or connection.maps_groups]


def _require_groups(connection: ScimConnection) -> None:
    if not connection.maps_groups:
        raise NotFound("Groups are not teams in this connection: an administrator can change that in Parley.")


def _described(resources: list[Resource], name: str) -> HttpResponse:
    """All of them, or the one with this id."""
    if not name:
        return list_answer(resources, len(resources))
    found = next((one for one in resources if str(one["id"]).lower() == name.lower()), None)
    if found is None:
        raise NotFound("There is nothing of this name.")
    return answer(found)


def _users(connection: ScimConnection, query: Query) -> tuple[list[Resource], int]:
    found = user_queries.rows(with_teams=connection.maps_groups and query.selection.has("groups"))
    rows = _sorted(user_queries.matching(found, query.node), query, user_queries.ORDERINGS.get(query.sort_by))
    return [user_queries.resource_of(member, connection) for member in _some(rows, query)], rows.count()


def _groups(query: Query) -> tuple[list[Resource], int]:
    with_members = query.selection.has("members")
    rows = group_queries.matching(group_queries.rows(with_members=with_members), query.node)
    rows = _sorted(rows, query, group_queries.ORDERINGS.get(query.sort_by))
    shown = [group_queries.resource_of(team, with_members=with_members) for team in _some(rows, query)]
    return shown, rows.count()


def _sorted(rows: models.QuerySet[Row], query: Query, column: str | None) -> models.QuerySet[Row]:
    if column is None:
        return rows
    return rows.order_by(f"-{column}" if query.is_descending else column, "pk")


def _some(rows: models.QuerySet[Row], query: Query) -> list[Row]:
    return list(rows[query.start - 1 : query.start - 1 + query.count]) if query.count else []


def _list_answer(resources: list[Resource], total: int, query: Query) -> HttpResponse:
    return list_answer([query.selection.of(one) for one in resources], total, query.start)


def _selection(request: HttpRequest) -> Selection:
    return selection_of(request.GET.get("attributes"), request.GET.get("excludedAttributes"))


def _shown(request: HttpRequest, resource: Resource, status: int = 200) -> HttpResponse:
    if request.method == "GET" and is_known(resource, request.headers.get("If-None-Match")):
        response = HttpResponse(status=304)
    else:
        response = answer(_selection(request).of(resource), status)
    response.headers["ETag"] = version_of(resource)
    return response


def _made(request: HttpRequest, resource: Resource) -> HttpResponse:
    response = _shown(request, resource, 201)
    meta = resource["meta"]
    response.headers["Location"] = str(meta["location"]) if isinstance(meta, dict) else ""
    return response
