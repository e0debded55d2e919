"""A data set of customers that look like people: the same for the same seed, of any size."""

from __future__ import annotations

import random
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from django.utils.text import slugify

if TYPE_CHECKING:
    from accounts.models import Member

SEED = 20_261_121
BATCH = 5_000
LOCALES = (
    "en_GB",
    "en_US",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "pl_PL",
    "cs_CZ",
    "pt_PT",
    "nl_NL",
    "sv_SE",
    "tr_TR",
    "ro_RO",
)
_COMPANIES = [
    "Harbour",
    "Northern",
    "Blue",
    "River",
    "Summit",
    "Oak",
    "Silver",
    "Union",
    "Delta",
    "Prime",
    "Golden",
    "Atlas",
    "Nova",
    "Orchard",
    "Beacon",
]
_HOSTS = ("postbox", "webmail", "home", "office", "inbox", "letters", "citymail", "mailhub", "north", "south")
_DOMAINS = [f"{name}.example" for name in _HOSTS]
_KINDS = [
    "Dental",
    "Clinic",
    "School",
    "Academy",
    "Studio",
    "Partners",
    "Health",
    "Care",
    "Group",
    "Media",
    "Works",
    "Labs",
]


class People:
    """Names, addresses and companies with the spread that a real list has: a few common, many rare."""

    def __init__(self, seed: int = SEED) -> None:
        self.chance = random.Random(seed)
        self.firsts, self.families = _names("first_names"), _names("last_names")
        self.chance.shuffle(self.firsts)
        self.chance.shuffle(self.families)

    def _common(self, words: list[str]) -> str:
        # The square of an even spread: the first words of the list are taken most.
        return words[int(len(words) * self.chance.random() ** 2)]

    def one(self, number: int) -> dict[str, str]:
        name = f"{self._common(self.firsts)} {self._common(self.families)}"
        company = ""
        if self.chance.random() < 0.3:
            company = f"{self.chance.choice(_COMPANIES)} {self.chance.choice(_KINDS)} {self.chance.randrange(400)}"
        return {
            "name": name,
            "email": f"{slugify(name).replace('-', '.')}{number % 977}@{self._common(_DOMAINS)}",
            # Every number once, in no order: a prime and a power of ten have no factor in common.
            "phone": f"+447{number * 48_271 % 1_000_000_007 % 1_000_000_000:09d}",
            "company": company,
        }


def _names(kind: str) -> list[str]:
    """Every name of these countries that Faker knows."""
    names: set[str] = set()
    for locale in LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        names.update(getattr(provider, kind, ()) or ())
    return sorted(names)


def fill(member: Member, count: int, *, seed: int = SEED) -> None:
    """So many customers of the member's organization, made over two years, straight into the tables."""
    from django.utils import timezone

    from core.tenancy import organization_scope
    from customers.models import Customer, CustomerCounter, Identity, Stage
    from customers.people.keys import set_keys

    people, now = People(seed), timezone.now()
    with organization_scope(member.organization):
        stages = list(Stage.objects.all())
        for start in range(0, count, BATCH):
            customers, identities = [], []
            for number in range(start + 1, min(start + BATCH, count) + 1):
                at = now - timedelta(seconds=(count - number) * 63_000_000 / count)
                customer = Customer(
                    organization=member.organization, code=f"C{number:03d}", stage=stages[number % len(stages)],
                    assigned_to=member.user if number % 20 == 0 else None, created_at=at, updated_at=at,
                    last_activity_at=at, **people.one(number),
                )  # fmt: skip
                set_keys(customer)
                customer.is_duplicate_check_due = False
                customers.append(customer)
                identities.append(
                    Identity(
                        organization=member.organization, customer=customer, kind=Identity.Kind.PHONE,
                        value=customer.phone, match_key=customer.phone, is_primary=True,
                    )
                )  # fmt: skip
            Customer.objects.bulk_create(customers)
            Identity.objects.bulk_create(identities)
        CustomerCounter.objects.update_or_create(organization=member.organization, defaults={"last_number": count})


def settle() -> None:
    """What a database does by itself in time: statistics, and the index's waiting list worked in."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
