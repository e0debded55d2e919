"""The composition: the one place that knows every app. Nobody imports it."""

from crm_project.celery import app as celery_app

__all__ = ["celery_app"]
