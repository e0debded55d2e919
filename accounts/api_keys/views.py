"""Settings → API keys, and one's own in the account: which there are, what they are used for, and their end."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import grants
from accounts.access.pages import requires
from accounts.account.access import confirmed
from accounts.account.tabs import account_context
from accounts.api_keys import queries, services
from accounts.api_keys.forms import KeyForm
from accounts.api_keys.queries import OwnerKind
from accounts.credentials import shown_once
from accounts.models import APIKey, KeyState
from activity.actor import current_actor
from core.compression import shows_secret
from core.http import Request
from core.list_query import ListQuery
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form

PAGE_SIZE = 50
NAMES = ("search", "state", "owner", "page")
# In the session: the key that was just issued.
SHOWN = "api_key"


@requires("api_keys.view")
@require_safe
def key_list(request: Request, organization: str) -> HttpResponse:
    """The keys within reach, searched and filtered by the address."""
    query = ListQuery.read(request.GET, NAMES, {"page": "1"})
    state, owner = query.get("state"), query.get("owner")
    filters = {
        "search": query.get("search")[:200],
        "state": state if state in set(KeyState) else "",
        "owner": owner if owner in set(OwnerKind) else "",
    }
    rows = queries.matching(queries.visible_keys(request.member), member=request.member, **filters)
    page = Paginator(rows, PAGE_SIZE).get_page(query.get("page"))
    context = {
        "page": page,
        "rows": [_row(key) for key in page.object_list],
        "query": query,
        "is_filtered": any(filters.values()),
        "sees_all": request.member.may(queries.MANAGES_ALL),
        "previous": query.with_(page=str(page.number - 1)).address() if page.has_previous() else "",
        "next": query.with_(page=str(page.number + 1)).address() if page.has_next() else "",
    }
    return render(request, "accounts/api_keys/list.html", context)


@requires("api_keys.view")
@require_safe
def own_keys(request: Request, organization: str) -> HttpResponse:
    """One's own keys in this organization, those that are good first."""
    keys = list(queries.visible_keys(request.member).filter(member=request.member)[:200])
    keys.sort(key=lambda key: not key.is_usable)
    context = {"rows": [_row(key) for key in keys], **account_context(request, "organization:own_api_keys")}
    return render(request, "accounts/api_keys/own.html", context)


@requires("api_keys.create")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: Request, organization: str) -> HttpResponse:
    """A key for oneself or a service; the next page shows it, once."""
    form = KeyForm(request.POST or None, by=request.member)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            key, secret = services.issue(
                owner=form.owner,
                by=request.member,
                actor=current_actor(),
                name=form.cleaned_data["name"],
                scopes=form.scopes,
                expires_at=form.expires_at,
                networks=form.cleaned_data["networks"],
            )
            shown_once.keep(request, SHOWN, {"key": str(key.pk), "secret": secret})
            return redirect("organization:api_key_secret", organization, key.pk)
    return render(request, "accounts/api_keys/form.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@requires("api_keys.create")
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def key_secret(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The key that was just issued, to whoever did it, until they say that they have it."""
    key = _find(request, pk)
    kept = shown_once.kept(request, SHOWN)
    if request.method == "POST" or not isinstance(kept, dict) or kept["key"] != str(pk):
        if request.method == "POST":
            shown_once.drop(request, SHOWN)
        return redirect(*_after(request, key))
    return render(request, "accounts/api_keys/secret.html", {"key": key, "secret": kept["secret"]})


@requires("api_keys.view")
@require_safe
def key_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A key with when each of its permissions was last used."""
    key = _find(request, pk)
    is_own = key.member_id == request.member.pk
    uses, unused = queries.uses_of(key), queries.unused_of(key)
    may_take = request.member.may("api_keys.delete") and (is_own or grants.covers(request.member, key.member.role))
    context = {
        "key": key,
        "uses": uses,
        "unused": sorted(unused),
        "is_own": is_own,
        "may_revoke": may_take and key.state is not KeyState.REVOKED,
        "may_narrow": may_take and bool(unused) and len(unused) < len(uses),
        "may_rotate": request.member.may("api_keys.create")
        and key.is_usable
        and any(owner.pk == key.member_id for owner in queries.owners_for(request.member)),
        "is_revoked": key.state is KeyState.REVOKED,
    }
    return render(request, "accounts/api_keys/detail.html", context)


@requires("api_keys.delete")
@require_POST
def narrow_key(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Take what the page showed as unused; what was used meanwhile stays."""
    key = _find(request, pk)
    with as_message(request):
        removed = services.narrow(
            key=key, by=request.member, actor=current_actor(), scopes=request.POST.getlist("scope")
        )
        text = ngettext("%(count)d permission was taken.", "%(count)d permissions were taken.", len(removed))
        messages.success(request, text % {"count": len(removed)})
    return redirect("organization:api_key", organization, pk)


@requires("api_keys.create")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def rotate_key(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST gives the key a new secret, which the next page shows."""
    key = _find(request, pk)
    if request.method != "POST":
        return render(request, "accounts/api_keys/confirm.html", {"key": key, "is_rotation": True})
    with as_message(request):
        _rotated, secret = services.rotate(key=key, by=request.member, actor=current_actor())
        shown_once.keep(request, SHOWN, {"key": str(key.pk), "secret": secret})
        return redirect("organization:api_key_secret", organization, pk)
    return redirect("organization:api_key", organization, pk)


@requires("api_keys.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_key(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST ends the key."""
    key = _find(request, pk)
    if request.method != "POST":
        return render(request, "accounts/api_keys/confirm.html", {"key": key, "is_rotation": False})
    with as_message(request):
        services.revoke(key=key, by=request.member, actor=current_actor())
        messages.success(request, _("The key “%(name)s” is revoked.") % {"name": key.name})
    return redirect(*_after(request, key))


def _find(request: Request, pk: UUID) -> APIKey:
    return first_or_404(queries.visible_keys(request.member).filter(pk=pk), _("There is no such API key."))


def _after(request: Request, key: APIKey) -> tuple[str, str, UUID] | tuple[str, str]:
    """The key's own page, for who may open it."""
    slug = request.organization.slug
    if request.member.may("api_keys.view"):
        return "organization:api_key", slug, key.pk
    return "organization:home", slug


def _row(key: APIKey) -> dict[str, object]:
    return {"key": key, "scopes": len(queries.granted(key)), "unused": len(queries.unused_of(key))}
