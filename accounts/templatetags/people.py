"""How a user is drawn on the pages of an organization."""

from __future__ import annotations

from django import template
from django.urls import reverse

from accounts.models import User
from core.tenancy import current_organization

register = template.Library()


@register.inclusion_tag("components/avatar.html")
def user_avatar(user: User, size: str = "m") -> dict[str, str]:
    """The user's photo, else their initials; `size` is s, m or l. No query where the user is loaded.

    The photo's address is one of the organization that is open: there colleagues may see it. Raises ScopeError outside.
    """
    context = {"name": user.get_short_name(), "key": str(user.pk), "size": size}
    if user.photo:
        context["photo"] = reverse("organization:photo", args=[current_organization().slug, user.pk])
        context["version"] = user.photo_version
    return context
