"""The addresses of a resource, without a slash at their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver
from rest_framework.routers import DynamicRoute, Route, SimpleRouter

from core.api.resource import STANDARD_ACTIONS


class Router(SimpleRouter):
    """`register("outcome-types", OutcomeTypeViewSet, "outcome-type")`: the list is named as its address, a record by
    the third, and an action `check` of a record `outcome-type-check`. Below another record,
    `register("customers/<uuid:pk>/consents", ConsentViewSet, "customer-consent")`, the list is `customer-consents`.

    A standard action that the class's `permissions` do not name does not exist. Any other has to be named there.
    """

    routes = [
        Route(r"^{prefix}$", {"get": "list", "post": "create"}, "{basename}", False, {}),
        DynamicRoute(r"^{prefix}/{url_path}$", "{basename}-{url_name}", False, {}),
        Route(
            r"^{prefix}/{lookup}$",
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"},
            "{basename}",
            True,
            {},
        ),
        DynamicRoute(r"^{prefix}/{lookup}/{url_path}$", "{basename}-{url_name}", True, {}),
    ]

    def __init__(self) -> None:
        super().__init__(trailing_slash=False, use_regex_path=False)

    def get_method_map(self, viewset: Any, method_map: Mapping[str, str]) -> dict[str, str]:
        actions = set(method_map.values()) - set(viewset.permissions)
        if unnamed := actions - set(STANDARD_ACTIONS):
            raise ImproperlyConfigured(f"{viewset.__name__}.permissions does not name {', '.join(sorted(unnamed))}.")
        return {method: action for method, action in method_map.items() if action not in actions}

    def get_urls(self) -> list[URLPattern | URLResolver]:
        names = {basename: _list_name(prefix, basename) for prefix, _, basename in self.registry}
        urls = super().get_urls()
        for url in urls:
            options: dict[str, Any] = getattr(url.callback, "initkwargs", {})
            if isinstance(url, URLPattern) and not options["detail"]:
                url.name = names[options["basename"]] + (url.name or "").removeprefix(options["basename"])
        return urls


def _list_name(prefix: str, basename: str) -> str:
    _, below, name = prefix.rpartition(">/")
    return f"{basename.rpartition('-')[0]}-{name}" if below else prefix.replace("/", "-")
