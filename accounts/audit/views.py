"""Settings → Audit log: what happened, by whom; and whether the log is as it was written."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.audit import exports, queries
from accounts.audit.forms import FILTERS, FilterForm, MailingForm
from activity.actor import current_actor
from activity.audit import checks, heads, mailing, sealing
from activity.models import AuditChain, Event
from core.http import Request
from core.list_query import ListQuery
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from core.streaming import streamed

PAGE_SIZE = 50
SHOWN_HEADS = 30


@requires("audit.view")
@require_safe
def audit_log(request: Request, organization: str) -> HttpResponse:
    """The entries, newest first; the filters and the page stand in the address."""
    query = ListQuery.read(request.GET, [*FILTERS, "cursor"])
    form = FilterForm(request.GET, organization=request.organization)
    context: dict[str, object] = {"form": form, "query": query, "tab": "log", "entries": [], "next": "", "first": ""}
    if not form.is_valid():
        return render(request, "accounts/audit/list.html", context, status=400)
    rows = queries.events_for(request.member, form.criteria)
    page = page_after(rows, cursor=query.get("cursor"), size=PAGE_SIZE, order=queries.ORDER)
    context |= {
        "entries": queries.entries_of(request.member, page.rows),
        "next": query.with_(cursor=page.next_cursor).address() if page.next_cursor else "",
        "first": query.without("cursor").address() if query.get("cursor") else "",
        "is_filtered": bool(form.criteria.given()),
        "export_pairs": query.pairs("cursor"),
    }
    return render(request, "accounts/audit/list.html", context)


@requires("audit.view")
@require_safe
def audit_entry(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """One entry, with what was before and after."""
    event = first_or_404(Event.objects.filter(pk=pk), _("There is no such entry."))
    (entry,) = queries.entries_of(request.member, [event])
    context = {"entry": entry, "impersonator": queries.impersonator_of(event), "tab": "log"}
    return render(request, "accounts/audit/entry.html", context)


@requires("audit.export")
@require_POST
def export_audit_log(request: Request, organization: str) -> HttpResponseBase:
    """The entries that fit as CSV, streamed."""
    form = FilterForm(request.POST, organization=request.organization)
    if not form.is_valid():
        text = "\n".join(f"{name}: {errors.as_text()}" for name, errors in form.errors.items())
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    result = exports.begin(member=request.member, criteria=form.criteria, actor=current_actor())
    return streamed(request, result.pieces(), content_type="text/csv; charset=utf-8", filename=result.filename)


@requires("audit.view")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def audit_integrity(request: Request, organization: str) -> HttpResponse:
    """Whether the log is as it was written; a POST, of who may change settings, says who is mailed the signed head."""
    if request.method == "POST" and not request.member.may("settings.edit"):
        raise PermissionDenied(_("Your role does not permit this."))
    is_look = request.method != "POST"
    chain = AuditChain.objects.first() if is_look else sealing.chain_of(request.organization.pk)
    chain = chain or AuditChain(organization=request.organization)
    lock_rows(request, chain)
    form = MailingForm(request.POST if request.method == "POST" else None, record=chain)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if form.changed:
                mailing.subscribe(addresses=form.cleaned_data["mail_to"].splitlines(), actor=current_actor())
            toasts.success(request, _("Saved."))
            return redirect("organization:audit_integrity", organization)
    context = {
        "chain": chain,
        "form": form,
        "may_edit": request.member.may("settings.edit"),
        "waiting_since": sealing.unsealed_since(request.organization.pk),
        "heads": queries.heads()[:SHOWN_HEADS],
        "public_key": heads.public_key(),
        "tab": "integrity",
    }
    return render(request, "accounts/audit/integrity.html", context, status=422 if form.errors else 200)


@requires("audit.view")
@require_POST
def check_audit_log(request: Request, organization: str) -> HttpResponse:
    """Start the check, which is a job; the one that runs, where there is one."""
    job = checks.start(organization=request.organization, actor=current_actor(), user=request.member.user)
    return redirect("organization:job", organization, job.pk)


@requires("audit.view")
@require_safe
def audit_head(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A signed head as a file to keep."""
    row = first_or_404(queries.heads().filter(pk=pk), _("There is no such head."))
    response = HttpResponse(heads.Head.of(row).text, content_type="text/plain; charset=utf-8")
    name = f"audit-head-{request.organization.slug}-{row.position}.txt"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
