"""The palette: a dialog with a script, a page without."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from accounts.frame import palette, recent
from accounts.permissions import MEMBERSHIP
from core.htmx import render_page
from core.http import Request

PARTIALS = {"palette-results": "components/palette_results.html"}


@requires(MEMBERSHIP)
@never_cache
@require_safe
def search(request: Request, organization: str) -> HttpResponse:
    """What fits `q`; with nothing asked, what was opened last and what can be done."""
    text = " ".join(request.GET.get("q", "").split())[: palette.MAX_TEXT_LENGTH]
    groups = palette.find(request.member, palette.Asked(text, recent.remembered(request)))
    number = 0
    context = []
    for group in groups:
        context.append((group, [(number + place, result) for place, result in enumerate(group.results)]))
        number += len(group.results)
    return render_page(request, "accounts/frame/palette.html", {"groups": context, "q": text}, partials=PARTIALS)
