"""The context of an inbound message: one value that goes through all stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from customers.models import Customer
from customers.people.identities.services import Address
from messaging.channels.base import ReceivedMessage
from messaging.models import Channel, Conversation, Message


@dataclass(slots=True)
class Inbound:
    """A message on its way in. `channel`, `received` and `received_at` are there from the beginning."""

    channel: Channel
    received: ReceivedMessage
    received_at: datetime
    # Every address in the message, the one to answer to first.
    addresses: list[Address] = field(default_factory=list)
    # The message that this one is, where it came before: nothing is left to do.
    repeated: Message | None = None
    # The conversation that an e-mail answers, whoever wrote it.
    answered: Conversation | None = None
    # Set by its stage; read before that, it raises AttributeError.
    customer: Customer = field(init=False)
    is_new_customer: bool = False
    # STOP or START, where the message means one of them.
    opt_word: str = ""
    # Locked until the transaction ends.
    conversation: Conversation = field(init=False)
    message: Message = field(init=False)

    @property
    def is_automatic(self) -> bool:
        """Whether no person wrote it."""
        return self.received.mail is not None and bool(self.received.mail.automatic)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of intake: which names of `Inbound` it may read, and which it sets.

    A test records every access and holds it against `reads` and `adds`.
    """

    name: str
    run: Callable[[Inbound], None]
    reads: frozenset[str]
    adds: frozenset[str] = frozenset()
