"""Moments that can be shown: those that have a day in every time zone."""

from __future__ import annotations

from datetime import datetime

# The calendar begins and ends in another year where clocks are ahead or behind: a page that shows such a moment fails.
FIRST_YEAR, LAST_YEAR = 1900, 9990


def is_showable(moment: datetime) -> bool:
    """Whether every page can show the moment, and add days to it."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR
