from __future__ import annotations

from django.core.management.base import BaseCommand

from activity import registry


class Command(BaseCommand):
    help = "Print every event and who listens: the one way in which a lower app reaches an upper one."

    def handle(self, *args: object, **options: object) -> None:
        subscriptions = registry.subscriptions()
        for event_type, description in registry.declared().items():
            self.stdout.write(f"{event_type:32} {description}")
            for subscription in subscriptions:
                if subscription.event_type in (event_type, "*"):
                    when = "in the transaction" if subscription.inline else "after the commit"
                    self.stdout.write(f"{'':32}   → {subscription.name} ({when})")
