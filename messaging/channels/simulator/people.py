"""Made-up people who write from the simulator. Their numbers are Ofcom's for drama and ring nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from messaging.channels.base import Kind


@dataclass(frozen=True, slots=True)
class Person:
    key: str
    name: str
    phone: str
    email: str

    def address_on(self, kind: str) -> str:
        return self.email if kind == Kind.EMAIL else self.phone


PEOPLE: Final = (
    Person("maya", "Maya Okafor", "+447700900101", "maya.okafor@example.com"),
    Person("tom", "Tom Albright", "+447700900102", "tom.albright@example.com"),
    Person("lucia", "Lucía Fernández", "+447700900103", "lucia.fernandez@example.com"),
    Person("amir", "Amir Haddad", "+447700900104", "amir.haddad@example.com"),
    Person("wen", "Wen Li", "+447700900105", "wen.li@example.com"),
    Person("ines", "Inês Duarte", "+447700900106", "ines.duarte@example.com"),
)


def find(key: str) -> Person:
    """The person with this key, else the first."""
    return next((person for person in PEOPLE if person.key == key), PEOPLE[0])
