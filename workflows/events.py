from django.utils.translation import gettext_lazy as _

from activity.registry import declare
from customers.events import ABOUT_CUSTOMER

SCHEDULE_DAILY = declare("schedule.daily", _("A day began"), conditions=ABOUT_CUSTOMER)
