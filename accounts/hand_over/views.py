"""Settings → People → a member → Hand over: what they have, and who gets it; later the list of it as a file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.hand_over import services as hand_over
from accounts.hand_over.forms import HandOverForm
from accounts.hand_over.queries import CSV, belongings, file_before, file_of, is_kept, possible_successors
from accounts.hand_over.services import DEACTIVATE, REMOVE
from accounts.jobs.queries import visible_jobs
from accounts.members.authority import authority_of
from accounts.models import Member
from accounts.permissions import Reach
from activity.actor import current_actor
from core import clock
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import on_form
from core.streaming import streamed


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over_page(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What a member has, by kind, with the first rows; a POST starts the job that gives it to others.

    Also of somebody who was removed already: what they own is still theirs.
    """
    member = first_or_404(Member.objects.with_access().filter(pk=pk), _("There is no such member."))
    found = belongings(member, seen_by=request.member)
    then = request.GET.get("then", "")
    endings = _endings(request, member)
    form = HandOverForm(
        request.POST if request.method == "POST" else None,
        successors=possible_successors(member),
        found=found,
        endings=endings,
        then=then if then in endings else "",
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            job = hand_over.start(
                member=member,
                plan=hand_over.plan(member=member, successor=form.chosen_successor, choices=form.choices_by_kind),
                actor=current_actor(),
                user=request.member.user,
                then=form.cleaned_data.get("then", ""),
            )
            return redirect("organization:job", organization, job.pk)
    reaches_all = request.member.reach is Reach.ALL
    is_above = not authority_of(current_actor(), request.organization).covers(member.role)
    context = {
        "person": member,
        "form": form if reaches_all and not is_above else None,
        "is_above": is_above,
        "reaches_all": reaches_all,
        "found": [one for one in found if one.count],
        "back": _back(organization, member),
    }
    return render(request, "accounts/hand_over/page.html", context, status=422 if form.errors else 200)


@requires("users.edit")
@require_safe
def hand_over_list(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """What a member has by now, as CSV: to be kept beside the list of what came of it."""
    member = first_or_404(Member.objects.with_access().filter(pk=pk), _("There is no such member."))
    hand_over.begin_list(member=member, actor=current_actor())
    filename = f"what-they-have-{request.organization.slug}-{clock.now():%Y-%m-%d}.csv"
    return streamed(request, file_before(member, request.member), content_type=CSV, filename=filename)


@requires("users.edit")
@require_safe
def hand_over_file(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """The list of what a hand-over did, as CSV; for 30 days."""
    rows = visible_jobs(request.member).filter(pk=pk, kind=hand_over.KIND)
    job = first_or_404(rows, _("There is no such job, or it is not yours to see."))
    if not is_kept(job):
        raise Http404(_("The list is there when the job has ended, and for 30 days."))
    leaver = hand_over.leaver_of(job)
    if leaver is not None:
        hand_over.begin_list(member=leaver, actor=current_actor(), job=job)
    filename = f"hand-over-{request.organization.slug}-{job.created_at:%Y-%m-%d}.csv"
    return streamed(request, file_of(job, request.member), content_type=CSV, filename=filename)


def _endings(request: Request, member: Member) -> list[str]:
    """What may happen to the person in the same stroke."""
    if member.user_id == request.member.user_id:
        return []
    ways = [DEACTIVATE] if member.is_active else []
    if member.removed_at is None and request.member.may("users.delete"):
        ways.append(REMOVE)
    return ways


def _back(organization: str, member: Member) -> str:
    if member.removed_at is not None:
        return reverse("organization:people", args=[organization])
    return reverse("organization:member", args=[organization, member.pk])
