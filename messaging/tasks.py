from __future__ import annotations

from celery import shared_task

from core.jobs import Drain
from messaging.costs import provider_prices
from messaging.delivery import confirmation, sending
from messaging.files import fetching
from messaging.files import services as media
from messaging.intake import backfill, mailboxes, processing
from messaging.texts.contents import services as contents
from messaging.threads import presence, stalled
from messaging.threads import services as conversations


@shared_task(base=Drain, name="messaging.tasks.process_inbound")
def process_inbound() -> int:
    """Process due inbound deliveries."""
    return processing.process_due()


@shared_task(base=Drain, name="messaging.tasks.deliver_due")
def deliver_due() -> int:
    """Send what is due."""
    return sending.deliver_due()


@shared_task(base=Drain, name="messaging.tasks.confirm_unconfirmed")
def confirm_unconfirmed() -> int:
    """Ask providers about messages of which nobody knows whether they left."""
    return confirmation.confirm_due()


@shared_task(base=Drain, name="messaging.tasks.read_prices")
def read_prices() -> int:
    """Ask providers what they charged."""
    return provider_prices.read_due()


@shared_task(base=Drain, name="messaging.tasks.end_snoozes")
def end_snoozes() -> int:
    """Bring back what was put out of sight until now."""
    return conversations.end_snoozes()


@shared_task(base=Drain, name="messaging.tasks.record_stalled")
def record_stalled() -> int:
    """Record conversations that waited too long for an answer, and leads that waited for days."""
    return stalled.record_unanswered() + stalled.record_stalled()


@shared_task(base=Drain, name="messaging.tasks.fetch_media")
def fetch_media() -> int:
    """Fetch files that lie at providers."""
    return fetching.fetch_due()


@shared_task(base=Drain, name="messaging.tasks.read_mailboxes")
def read_mailboxes() -> int:
    """Look what is new in mailboxes."""
    return mailboxes.read_due()


@shared_task(base=Drain, name="messaging.tasks.sync_contents")
def sync_contents() -> int:
    """Read the providers' own templates."""
    return contents.sync_due()


@shared_task(base=Drain, name="messaging.tasks.run_backfills")
def run_backfills() -> int:
    """Run due backfills."""
    return backfill.catch_up_due()


@shared_task(base=Drain, name="messaging.tasks.request_daily_backfills")
def request_daily_backfills() -> int:
    """Schedule the daily backfills."""
    return backfill.request_daily()


@shared_task(base=Drain, name="messaging.tasks.purge_inbound_deliveries")
def purge_inbound_deliveries() -> int:
    """Delete inbound deliveries that were processed long ago."""
    return processing.purge_old()


@shared_task(base=Drain, name="messaging.tasks.purge_unused_media")
def purge_unused_media() -> int:
    """Delete files that nothing needs."""
    return media.tidy()


@shared_task(name="messaging.tasks.show_typing", ignore_result=True)
def show_typing(conversation: str) -> None:
    """Show the customer that somebody writes."""
    presence.show_typing(conversation)


@shared_task(name="messaging.tasks.send_read_receipt", ignore_result=True)
def send_read_receipt(conversation: str) -> None:
    """Send the customer a read receipt."""
    presence.report_read(conversation)
