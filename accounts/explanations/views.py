"""Who sees a record, and what somebody sees."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from accounts.explanations import queries
from accounts.models import Member
from accounts.permissions import Reach
from core.http import Request
from core.lookups import first_or_404
from core.refused import Invalid

PAGE_SIZE = 50


@requires("users.view")
@require_safe
def who_sees(request: Request, organization: str) -> HttpResponse:
    """The members who see the record of the address (`?subject=customer:<id>`), each with the reason."""
    given = request.GET.get("subject", "")[:100]
    try:
        explained = queries.find(given, request.member)
    except Invalid as refused:
        raise Http404(str(refused)) from refused
    access = queries.who_sees(explained, queries.members_who_may_come_in())
    seeing = [one for one in access if one.sees]
    page = Paginator(seeing, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "explained": explained,
        "subject": given,
        "page": page,
        "others": len(access) - len(seeing),
    }
    return render(request, "accounts/explanations/who_sees.html", context)


@requires("users.view")
@require_safe
def what_they_see(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What a member sees, kind by kind, with examples."""
    rows = Member.objects.present().with_access().filter(pk=pk)
    member = first_or_404(rows, _("There is no such member."))
    context = {
        "person": member,
        "seen": queries.seen_by(member, request.member),
        "is_limited": request.member.reach is not Reach.ALL,
    }
    return render(request, "accounts/explanations/what_they_see.html", context)
