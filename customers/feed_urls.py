"""What a calendar reads, outside of any organization's pages: the token in the address says whose it is."""

from django.urls import path

from customers.work.calendar import feed_views as feeds

urlpatterns = [path("<str:token>.ics", feeds.calendar, name="calendar")]
