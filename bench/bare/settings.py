"""The product's settings (database, pool, server) without its apps' middleware."""

from crm_project.settings import *  # noqa: F403
from crm_project.settings import INSTALLED_APPS as PRODUCT_APPS

INSTALLED_APPS = [*PRODUCT_APPS, "bench.bare"]
ROOT_URLCONF = "bench.bare.urls"
MIDDLEWARE = []
