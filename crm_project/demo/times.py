"""When things happened at the clinic: over half a year, in its working hours, never later than now."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta, tzinfo

from customers import days

SPAN = timedelta(days=182)
OPENS, CLOSES = time(7, 30), time(21, 30)
_OPEN_MINUTES = (CLOSES.hour - OPENS.hour) * 60
_WAKES, _SLEEPS = time(7, 30), time(21)
_OPENS_AT = OPENS.hour * 60 + OPENS.minute


class Times:
    """Moments by chance, seen from one `now`."""

    def __init__(self, chance: random.Random, now: datetime, zone: tzinfo) -> None:
        self.chance, self.now, self.zone = chance, now, zone
        self.today: date = now.astimezone(zone).date()

    def came(self, place: int, count: int) -> datetime:
        """When the customer at this place of so many first wrote: later ones later, and more of them."""
        share = (place + self.chance.random()) / count
        return self.waking(self.now - SPAN * (1 - share**0.85) - timedelta(minutes=4))

    def waking(self, moment: datetime) -> datetime:
        """The same day at an hour when people write; the order of moments stays, and none is in the future."""
        local = moment.astimezone(self.zone)
        if local.date() == self.today:
            return moment
        share = (local.hour * 60 + local.minute + local.second / 60) / 1440
        minutes = _OPENS_AT + share * _OPEN_MINUTES
        clock = time(int(minutes // 60), int(minutes % 60), int(minutes * 60 % 60))
        return days.at(local.date(), clock, self.zone)

    def between(self, start: datetime, end: datetime, count: int) -> list[datetime]:
        """So many moments after the start and before the end, in order."""
        length = max((end - start) / timedelta(seconds=1), 0.0)
        shares = (self.chance.uniform(0.03, 0.97) for _ in range(count))
        return sorted(min(self.later(start + timedelta(seconds=length * share)), max(start, end)) for share in shares)

    def after(self, start: datetime, *, minutes: float) -> datetime:
        """Some time later, about so much; where that would be still to come, between then and now."""
        moment = self.later(start + timedelta(minutes=0.2 * minutes + self.chance.expovariate(1 / minutes)))
        return moment if moment < self.now else self.since(start)

    def since(self, start: datetime) -> datetime:
        """Some time between then and now."""
        return start + max(self.now - start, timedelta()) * self.chance.uniform(0.15, 0.95)

    def later(self, moment: datetime) -> datetime:
        """The moment itself by day; the next morning, where it is at night and the morning was already."""
        local = moment.astimezone(self.zone)
        if _WAKES <= local.time() < _SLEEPS:
            return moment
        day = local.date() + timedelta(days=1 if local.time() >= _SLEEPS else 0)
        morning = days.at(day, _WAKES, self.zone) + timedelta(minutes=self.chance.randrange(5, 150))
        return morning if morning < self.now else moment

    def on_day(self, ahead: int) -> datetime:
        """A working hour on the day so many days from today (before it, where negative)."""
        clock = time(self.chance.randrange(9, 18), self.chance.choice((0, 0, 15, 30, 45)))
        return days.at(self.today + timedelta(days=ahead), clock, self.zone)
