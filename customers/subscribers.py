"""What customers do about what happens on the floors below."""

from __future__ import annotations

from accounts import menu
from accounts import packs as offered_packs
from accounts.events import ORGANIZATION_CREATED
from activity.models import Event
from activity.registry import subscribe
from customers import holds, page_panels, palette, timeline_sources
from customers.packs import packs
from customers.services import (
    bulk,
    bulk_undo,
    deletion,
    import_undo,
    imports,
    merge_undo,
    personal_data,
    personal_parts,
    pipeline,
    undo,
)


def register() -> None:
    for pack in packs().values():
        offered_packs.register(offered_packs.Pack(pack.key, pack.name, pack.description))
    menu.register(menu.Entry("Customers", "customers:list", "users", "customers.view", 20))
    menu.register(menu.Entry("Settings", "customers:fields", "settings", "settings.view", 95))
    holds.register(holds.Hold("deals", deletion.open_deals, deletion.lose_deals))
    personal_parts.register()
    personal_data.register()
    timeline_sources.register()
    palette.register()
    page_panels.register()
    undo.register()
    merge_undo.register()
    bulk.register()
    bulk_undo.register()
    imports.register()
    import_undo.register()
    subscribe(ORGANIZATION_CREATED, set_up_pipeline, name="customers.set_up_pipeline", inline=True)


def set_up_pipeline(event: Event) -> None:
    """A new organization has its pack's stages in the moment it exists."""
    pipeline.create_stages(organization=event.organization, pack=packs()[event.payload["pack"]])
