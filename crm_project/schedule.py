"""What beat has done, and how often: one row for each task, by the name that its row in the database has."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict


class Entry(TypedDict):
    """A task of the schedule, as Celery reads it."""

    task: str
    schedule: timedelta
    options: dict[str, float]


def beat_schedule(tick_seconds: float) -> dict[str, Entry]:
    """Every entry; `tick_seconds` is how often what waits for people is looked for. What was not begun within five of
    its spans is dropped: the next one does the same."""
    rows: tuple[tuple[str, str, float], ...] = (
        ("dispatch events", "activity.tasks.dispatch", tick_seconds),
        ("do the jobs that are due", "activity.tasks.work", tick_seconds),
        ("seal the audit log", "activity.tasks.seal_events", tick_seconds),
        ("sign and check the audit log", "activity.tasks.care_for_audit", 60),
        ("process what came in", "messaging.tasks.process_inbound", tick_seconds),
        ("deliver what is due", "messaging.tasks.deliver_due", tick_seconds),
        ("reconcile unconfirmed messages", "messaging.tasks.confirm_unconfirmed", 30),
        ("read back what messages cost", "messaging.tasks.read_prices", 60),
        ("fetch files of messages", "messaging.tasks.fetch_media", 5),
        ("read mailboxes", "messaging.tasks.read_mailboxes", 5),
        ("read providers' templates", "messaging.tasks.sync_contents", 60),
        ("ask providers for what was missed", "messaging.tasks.run_backfills", 60),
        ("have providers asked daily", "messaging.tasks.request_daily_backfills", 900),
        ("forget old deliveries", "messaging.tasks.purge_inbound_deliveries", 3600),
        ("throw away files that nothing needs", "messaging.tasks.purge_unused_media", 3600),
        ("end snoozes", "messaging.tasks.end_snoozes", 15),
        ("find duplicates", "customers.tasks.find_duplicates", 15),
        ("remind of tasks", "customers.tasks.remind", 10),
        ("tell what is overdue and due", "customers.tasks.record_deadlines", 60),
        ("tell which leads are stalled", "messaging.tasks.record_stalled", 60),
        ("go on with rules that wait", "workflows.tasks.go_on", tick_seconds),
        ("tell that a day began", "workflows.tasks.record_day", 60),
        ("purge the log of rules", "workflows.tasks.purge_log", 3600),
        ("mail who is away what waits for them", "workflows.tasks.mail_notifications", 30),
        ("forget old notifications", "workflows.tasks.purge_notifications", 24 * 3600),
        ("erase who is kept no longer", "customers.tasks.purge_expired", 3600),
        ("forget old jobs", "activity.tasks.purge_jobs", 3600),
        ("answer who forgot a password", "accounts.tasks.send_password_resets", 5),
        ("forget questions for passwords", "accounts.tasks.purge_password_resets", 3600),
        ("tell people of their sign-in", "accounts.tasks.send_security_notices", 5),
        ("forget sessions that are over", "accounts.tasks.purge_sign_ins", 3600),
        ("mail invitations", "accounts.tasks.send_invitations", 5),
        ("destroy deleted organizations", "accounts.tasks.purge_organizations", 60),
        ("purge invitations", "accounts.tasks.purge_invitations", 3600),
        ("forget idempotency keys", "accounts.tasks.purge_idempotency_keys", 3600),
        ("note that the installation is at work", "activity.tasks.advance_epoch", 15),
        ("free absurd claims", "crm_project.tasks.release_overlong_claims", 60),
        ("canary", "crm_project.tasks.canary", 20),
        ("back up", "crm_project.tasks.back_up", 900),
        ("run the doctor’s checks", "crm_project.tasks.run_checks", 60),
        ("take samples", "activity.tasks.take_samples", 60),
        ("roll up samples", "activity.tasks.roll_up_samples", 900),
    )
    return {
        name: {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": 5 * seconds}}
        for name, task, seconds in rows
    }
