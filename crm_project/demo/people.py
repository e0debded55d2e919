"""Made-up people: names of many origins, and addresses that lead nowhere.

Numbers are of ranges that regulators keep free for drama (Ofcom's, ARCEP's, the Bundesnetzagentur's), e-mail addresses
of domains that RFC 2606 reserves. Where a range is used up, as it is with a hundred thousand customers, the next
person has an e-mail address only.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from crm_project.demo.reading import read

# Prefix and how many digits follow; the story's own numbers are in the first hundreds of +44 7700 900.
RANGES = {
    "gb": (("+447700900", 3, 200), ("+441632960", 3, 0), ("+442079460", 3, 0), ("+441134960", 3, 0),
           ("+441144960", 3, 0), ("+441154960", 3, 0), ("+441164960", 3, 0), ("+441174960", 3, 0),
           ("+441184960", 3, 0), ("+441214960", 3, 0), ("+441314960", 3, 0), ("+441414960", 3, 0),
           ("+441514960", 3, 0), ("+441614960", 3, 0), ("+441914980", 3, 0), ("+442920180", 3, 0)),
    "fr": (("+3363998", 4, 0), ("+3319900", 4, 0), ("+3326191", 4, 0), ("+3335301", 4, 0), ("+3346571", 4, 0)),
    "de": (("+493023125", 3, 0), ("+496990009", 3, 0), ("+494066969", 3, 0), ("+492214710", 3, 0),
           ("+498999998", 3, 0)),
}  # fmt: skip
# A factor without a common one with any power of ten: every number of a range once, in no order.
_STRIDE = 617
_NO_LETTER = re.compile(r"[^a-z]+")


@dataclass(slots=True)
class Person:
    """Somebody who may write to the clinic. `number` is theirs among all of the demo's people."""

    number: int
    first: str
    name: str
    language: str
    phone: str
    email: str
    company: str
    address: dict[str, str] = field(default_factory=dict)


class People:
    """One person after the other; the same for the same chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        data = read(Path(__file__).with_name("people.toml"))
        self.origins = data["origins"]
        self.weights = [origin["weight"] for origin in self.origins]
        self.places = data["places"]
        self.phones = {kind: _numbers(kind) for kind in RANGES}

    def one(self, number: int) -> Person:
        """The next of them, with a phone, an e-mail address or both."""
        chance = self.chance
        origin = chance.choices(self.origins, self.weights)[0]
        first, last = chance.choice(origin["first"]), chance.choice(origin["last"])
        name = f"{first} {last}"
        phone = next(self.phones[origin["phone"]], "") if chance.random() < 0.82 else ""
        email = self._email(name, number) if not phone or chance.random() < 0.55 else ""
        company = chance.choice(self.places["companies"]) if chance.random() < 0.07 else ""
        address = self._address() if chance.random() < 0.3 else {}
        return Person(number, first, name, origin["language"], phone, email, company, address)

    def again(self, person: Person, number: int) -> Person:
        """The same person once more, under another address and with a slip of the pen: a likely duplicate."""
        first, _, last = person.name.partition(" ")
        slipped = f"{first} {last[:-1]}" if len(last) > 6 else person.name
        email = self._email(person.name, number)
        return Person(number, first, slipped, person.language, "", email, person.company, dict(person.address))

    def birth_date(self, today: date) -> date:
        """Of a child."""
        return date(
            today.year - self.chance.randrange(4, 16), self.chance.randrange(1, 13), self.chance.randrange(1, 29)
        )

    def _email(self, name: str, number: int) -> str:
        plain = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l").replace("ß", "ss"))
        words = [_NO_LETTER.sub("", word) for word in plain.split()]
        # A name in other letters has none that an address could have.
        local = ".".join(word for word in words if word) or "guest"
        return f"{local}{number}@{self.chance.choice(self.places['domains'])}"

    def _address(self) -> dict[str, str]:
        town, district = self.chance.choice(self.places["towns"])
        letters = "".join(self.chance.choices("ABDEFGHJLN", k=2))
        return {
            "street": f"{self.chance.randrange(1, 120)} {self.chance.choice(self.places['streets'])}",
            "city": town,
            "postal_code": f"{district} {self.chance.randrange(1, 10)}{letters}",
            "country": "United Kingdom",
        }


def _numbers(kind: str) -> Iterator[str]:
    for prefix, digits, least in RANGES[kind]:
        size = 10**digits
        for place in range(size):
            number = place * _STRIDE % size
            if number >= least:
                yield f"{prefix}{number:0{digits}d}"
