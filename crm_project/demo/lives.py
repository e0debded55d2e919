"""One customer's way through the clinic, as rows that are not saved yet: from the first message to today."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.models import Organization, User
from activity.actor import ActorKind
from core.phones import match_key
from crm_project.demo.people import People, Person
from crm_project.demo.reading import read
from crm_project.demo.talking import Talk, Talks, Thread
from crm_project.demo.times import Times
from customers.models import (
    Consent,
    Contact,
    Customer,
    Deal,
    Identity,
    Interaction,
    Outcome,
    OutcomeType,
    Process,
    Stage,
    StageChange,
    Task,
)
from messaging.models import Channel

WAY = ("new", "engaged", "contacted", "consult_booked", "deposit_paid", "treatment_done")
STATUSES = {"consult_booked": Customer.Status.PROSPECT, "deposit_paid": Customer.Status.PROSPECT,
            "treatment_done": Customer.Status.ACTIVE, "lost": Customer.Status.INACTIVE}  # fmt: skip
# Where those who are still on their way stand: of who came in the last days, and of the others.
FRESH = {"new": 55, "engaged": 33, "contacted": 12}
ON_THE_WAY = {"new": 5, "engaged": 20, "contacted": 30, "consult_booked": 28, "deposit_paid": 17}
LOST_FROM = {"new": 18, "engaged": 30, "contacted": 32, "consult_booked": 20}
# After so many days two of three have either had their treatment or are lost.
SETTLED_AFTER = 45
CURRENCY = "GBP"


@dataclass(slots=True)
class Life:
    """All rows of one customer."""

    customer: Customer
    tags: list[str] = field(default_factory=list)
    thread: Thread | None = None
    identities: list[Identity] = field(default_factory=list)
    moves: list[StageChange] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)

    def moments(self) -> list[datetime]:
        """Whenever something was said or done with them."""
        results = [self.customer.created_at]
        results += [move.changed_at for move in self.moves]
        results += [message.created_at for message in self.thread.messages] if self.thread else []
        results += [moment for deal in self.deals for moment in (deal.created_at, deal.updated_at)]
        results += [moment for task in self.tasks for moment in (task.created_at, task.completed_at) if moment]
        results += [outcome.occurred_at for outcome in self.outcomes]
        return results + [row.occurred_at for row in self.interactions]


class Clinic:
    """What is there before the first customer: staff, stages, types, channels."""

    def __init__(self, organization: Organization, staff: list[User], now: datetime, seed: int) -> None:
        self.organization, self.staff, self.now = organization, staff, now
        self.chance = random.Random(seed)  # noqa: S311 - made-up lives, no secret
        self.people = People(self.chance)
        self.times = Times(self.chance, now, organization.zone)
        self.talks = Talks()
        self.words: dict[str, Any] = read(Path(__file__).with_name("work.toml"))
        self.stages = {stage.key: stage for stage in Stage.objects.all()}
        self.types = {kind.key: kind for kind in OutcomeType.objects.all()}
        self.channels = {channel.kind: channel for channel in Channel.objects.select_related("organization")}


class Teller:
    """Makes lives. `is_brief` leaves out what was said and logged, for sizes at which the pipeline is looked at."""

    def __init__(self, clinic: Clinic, *, is_brief: bool) -> None:
        self.clinic, self.is_brief = clinic, is_brief
        self.chance, self.times, self.words = clinic.chance, clinic.times, clinic.words

    def life_of(self, person: Person, created_at: datetime) -> Life:
        """Everything about one person who came at that moment."""
        talk = self._talk(person)
        key = self._stage(created_at)
        life = Life(self._customer(person, created_at, key, talk.interest))
        self._addresses(life)
        way = self._way(key)
        moves_at = self._moments(life, way, created_at)
        self._move(life, way, moves_at)
        if not self.is_brief:
            self._talk_through(life, person, talk)
            self._log(life)
        self._earn(life, way, [created_at, *moves_at], talk.interest)
        self._plan(life)
        if not self.is_brief:
            self._around(life, person)
        self._sum_up(life)
        return life

    # --- Who, and where they stand ------------------------------------------------------------------------------------

    def _talk(self, person: Person) -> Talk:
        talks = self.clinic.talks.by_language
        return self.chance.choice(talks.get(person.language) or talks["en"])

    def _stage(self, created_at: datetime) -> str:
        age = (self.clinic.now - created_at) / timedelta(days=1)
        if age < 2:
            return self._weighted(FRESH)
        if self.chance.random() < age / (age + SETTLED_AFTER / 2):
            return "treatment_done" if self.chance.random() < 0.42 else "lost"
        return self._weighted(ON_THE_WAY)

    def _customer(self, person: Person, created_at: datetime, key: str, interest: str) -> Customer:
        chance = self.chance
        has_owner = key not in ("new", "engaged") or chance.random() < 0.55
        own: dict[str, object] = {"treatment_interest": [interest]} if chance.random() < 0.7 else {}
        if chance.random() < 0.25:
            own["preferred_time"] = chance.choice(("Morning", "Afternoon", "Evening", "Saturday"))
        customer = Customer(
            organization=self.clinic.organization,
            name=person.name,
            phone=person.phone,
            email=person.email,
            company=person.company,
            type=Customer.Type.BUSINESS if person.company else Customer.Type.INDIVIDUAL,
            status=STATUSES.get(key, Customer.Status.LEAD),
            stage=self.clinic.stages[key],
            stage_since=created_at,
            source=chance.choice(self.words["sources"]),
            language="" if person.language == "en" else person.language,
            assigned_to=chance.choice(self.clinic.staff) if has_owner else None,
            notes=chance.choice(self.words["notes"]) if chance.random() < 0.15 else "",
            address=person.address,
            custom_fields=own,
            created_at=created_at,
            updated_at=created_at,
            last_activity_at=created_at,
        )
        if own and chance.random() < 0.2:
            customer.custom_fields["referred_by"] = chance.choice(("Ada Lindqvist", "Dr Moss", "A neighbour"))
        return customer

    def _addresses(self, life: Life) -> None:
        customer = life.customer
        for kind, value in ((Identity.Kind.PHONE, customer.phone), (Identity.Kind.EMAIL, customer.email)):
            if value:
                life.identities.append(
                    Identity(
                        organization=customer.organization, customer=customer, kind=kind, value=value,
                        match_key=match_key(value) if kind == Identity.Kind.PHONE else value.casefold(),
                        is_primary=True, created_at=customer.created_at,
                    )
                )  # fmt: skip

    # --- The pipeline -------------------------------------------------------------------------------------------------

    def _way(self, key: str) -> list[str]:
        """The stages that they came through, the first and the present one among them."""
        end = self._weighted(LOST_FROM) if key == "lost" else key
        way = [step for step in WAY[: WAY.index(end) + 1] if step in ("new", end) or self.chance.random() < 0.85]
        return [*way, "lost"] if key == "lost" else way

    def _moments(self, life: Life, way: list[str], created_at: datetime) -> list[datetime]:
        """When they made each move; who is still on the way made the last one lately, for most."""
        count = len(way) - 1
        stage = self.clinic.stages[way[-1]]
        if stage.kind == Stage.Kind.OPEN:
            quiet = self.chance.expovariate(1 / (0.5 * (stage.sla_hours or 72)))
            end = self.times.later(max(created_at, self.clinic.now - timedelta(hours=quiet)))
        else:
            end = self.times.after(created_at, minutes=21 * 24 * 60)
        return [*self.times.between(created_at, end, count - 1), end] if count else []

    def _move(self, life: Life, way: list[str], moments: list[datetime]) -> None:
        customer, since = life.customer, life.customer.created_at
        for step, at in enumerate(moments, start=1):
            before, after = self.clinic.stages[way[step - 1]], self.clinic.stages[way[step]]
            by = customer.assigned_to
            life.moves.append(
                StageChange(
                    organization=customer.organization, customer=customer, from_stage=before, from_name=before.name,
                    to_stage=after, to_name=after.name, since=since, changed_at=at,
                    reason=self.chance.choice(self.words["lost_reasons"]) if after.key == "lost" else "",
                    actor_kind=ActorKind.USER if by else ActorKind.SYSTEM,
                    actor_label=by.get_short_name() if by else "Parley",
                )
            )  # fmt: skip
            since = at
        customer.stage_since = since

    # --- What was said ------------------------------------------------------------------------------------------------

    def _talk_through(self, life: Life, person: Person, talk: Talk) -> None:
        kind = self._channel(person)
        customer = life.customer
        thread = Thread(customer, self.clinic.channels[kind], person, customer.assigned_to or self.clinic.staff[0])
        is_new = customer.stage.key == "new"
        # Who stands at the beginning has hardly been answered.
        lines = talk.lines[: self.chance.choice((1, 1, 2))] if is_new else talk.lines
        thread.play(lines, customer.created_at, self.times)
        # Where they had the last word: who is on the way was thanked, or waits since.
        if not is_new and len(lines) % 2 and (customer.stage.is_terminal or self.chance.random() < 0.7):
            thanks = self.clinic.talks.thanks
            line = thanks.get(person.language) or thanks["en"]
            thread.write(line, self.times.after(thread.last_at, minutes=30), is_inbound=False)
        if customer.stage.kind == Stage.Kind.OPEN and life.moves and self.chance.random() < 0.5:
            self._write_again(thread, person, customer.stage_since)
        if customer.stage.is_terminal:
            thread.close()
        life.thread = thread
        life.tags += [kind, "new_lead"]
        customer.source = kind if self.chance.random() < 0.6 else customer.source

    def _write_again(self, thread: Thread, person: Person, since: datetime) -> None:
        again = self.clinic.talks.again
        question, answer = self.chance.choice(again.get(person.language) or again["en"])
        at = self.times.after(max(since, thread.last_at), minutes=600)
        if at <= thread.last_at:
            return
        thread.write(question, at, is_inbound=True)
        if self.chance.random() < 0.6:
            answered_at = self.times.after(at, minutes=45)
            if answered_at > at:
                thread.write(answer, answered_at, is_inbound=False)

    def _channel(self, person: Person) -> str:
        if not person.phone:
            return "email"
        mobile = person.phone.startswith(("+447700900", "+33639"))
        if person.email and self.chance.random() < 0.3:
            return "email"
        return "sms" if mobile and self.chance.random() < 0.2 else "whatsapp"

    def _log(self, life: Life) -> None:
        """Calls and consultations."""
        customer, chance = life.customer, self.chance
        for move in life.moves:
            is_visit = move.to_stage is not None and move.to_stage.key == "deposit_paid"
            if not is_visit and chance.random() > 0.3:
                continue
            at = move.changed_at - timedelta(minutes=chance.randrange(5, 50))
            if at < customer.created_at:
                continue
            by = customer.assigned_to or self.clinic.staff[0]
            kind = Interaction.Channel.MEETING if is_visit else Interaction.Channel.CALL
            life.interactions.append(
                Interaction(
                    organization=customer.organization, customer=customer, channel=kind,
                    direction=chance.choice((Interaction.Direction.OUTBOUND, Interaction.Direction.INBOUND)),
                    content=chance.choice(self.words["meetings" if is_visit else "calls"]), occurred_at=at,
                    duration_seconds=60 * chance.randrange(20 if is_visit else 1, 45 if is_visit else 15),
                    author=by, author_label=by.get_short_name(), created_at=at, updated_at=at,
                )
            )  # fmt: skip

    # --- Money --------------------------------------------------------------------------------------------------------

    def _earn(self, life: Life, way: list[str], came_at: list[datetime], interest: str) -> None:
        """Deals and outcomes, as far as they came."""
        reached = dict(zip(way, came_at, strict=True))
        treatment = next(row for row in self.words["treatments"] if row["interest"] == interest)
        amount = Decimal(self.chance.randrange(treatment["least"] // 10, treatment["most"] // 10)) * 10
        is_over = life.customer.stage.is_terminal
        serious = "consult_booked" in reached or "deposit_paid" in reached
        if serious or self.chance.random() < (0.06 if is_over else 0.35):
            life.deals.append(self._deal(life, treatment["title"], amount, came_at[-1]))
        worth = {"deposit_paid": (amount * Decimal("0.2")).quantize(Decimal(1)), "treatment_done": amount}
        for key, at in reached.items():
            if key in self.clinic.types and self.chance.random() < 0.93:
                life.outcomes.append(self._outcome(life, self.clinic.types[key], worth.get(key), at))

    def _deal(self, life: Life, title: str, amount: Decimal, last_at: datetime) -> Deal:
        customer, stage = life.customer, life.customer.stage
        begun = life.moves[0].changed_at if life.moves else customer.created_at
        is_open = stage.kind == Stage.Kind.OPEN
        expected = self.times.today + timedelta(days=self.chance.randrange(-6, 55))
        deal = Deal(
            organization=customer.organization, customer=customer, title=title, amount=amount, currency=CURRENCY,
            status=stage.kind, stage=stage, owner=customer.assigned_to or self.clinic.staff[0],
            expected_close_on=expected if is_open else None, closed_at=None if is_open else last_at,
            lost_reason=life.moves[-1].reason if stage.kind == Stage.Kind.LOST else "",
            created_at=begun, updated_at=max(begun, last_at),
        )  # fmt: skip
        if self.chance.random() < 0.15 and is_open:
            deal.probability = self.chance.choice((40, 60, 75, 90))
        if self.chance.random() < 0.4:
            deal.custom_fields = {"pays_by": self.chance.choice(("Card", "Bank transfer", "Instalments"))}
        return deal

    def _outcome(self, life: Life, kind: OutcomeType, amount: Decimal | None, at: datetime) -> Outcome:
        by = life.customer.assigned_to or self.clinic.staff[0]
        note = life.moves[-1].reason if kind.key == "lost" else ""
        if kind.key == "deposit_paid":
            note = self.chance.choice(self.words["deposit_notes"])
        return Outcome(
            organization=life.customer.organization, customer=life.customer, type=kind, amount=amount,
            currency=CURRENCY, occurred_at=at, note=note, author=by, author_label=by.get_short_name(), created_at=at,
            updated_at=at,
        )  # fmt: skip

    # --- What is to be done -------------------------------------------------------------------------------------------

    def _plan(self, life: Life) -> None:
        customer, chance = life.customer, self.chance
        if chance.random() < 0.3:
            life.tasks.append(self._done_task(life))
        if customer.stage.is_terminal:
            return
        if chance.random() < 0.3:
            ahead = chance.choice((-4, -2, -1, 0, 0, 0, 1, 2, 3, 5, 8, 13))
            life.tasks.append(self._open_task(life, self.times.on_day(ahead)))
        if chance.random() < 0.5:
            ahead = chance.choice((-5, -2, -1, 0, 0, 0, 1, 1, 2, 3, 4, 6, 9))
            customer.next_follow_up_at = self.times.on_day(ahead)
            self._follow(life)

    def _open_task(self, life: Life, due_at: datetime) -> Task:
        chance, by = self.chance, life.customer.assigned_to or self.clinic.staff[0]
        created_at = min(max(life.moments()), self.clinic.now)
        return Task(
            organization=life.customer.organization, customer=life.customer, assigned_to=by, created_by=by,
            title=chance.choice(self.words["tasks_open"]), due_at=due_at, created_at=created_at, updated_at=created_at,
            priority=chance.choices(("low", "normal", "high", "urgent"), (1, 6, 3, 1))[0],
        )  # fmt: skip

    def _done_task(self, life: Life) -> Task:
        by = life.customer.assigned_to or self.clinic.staff[0]
        created_at = life.customer.created_at
        done_at = self.times.after(created_at, minutes=900)
        last_at = max(life.moments())
        done_at = min(done_at, last_at) if done_at > last_at > created_at else done_at
        return Task(
            organization=life.customer.organization, customer=life.customer, assigned_to=by, created_by=by,
            title=self.chance.choice(self.words["tasks_done"]), due_at=created_at + timedelta(days=1),
            status=Task.Status.DONE, completed_at=done_at, created_at=created_at, updated_at=done_at,
        )  # fmt: skip

    def _follow(self, life: Life) -> None:
        """The process that a logged action began, with the follow-up that the customer has."""
        if not life.interactions:
            return
        last = max(life.interactions, key=lambda row: row.occurred_at)
        life.processes.append(
            Process(
                organization=life.customer.organization, customer=life.customer, channel=last.channel,
                last_action=last, last_action_at=last.occurred_at, created_at=last.occurred_at,
                updated_at=last.occurred_at, next_follow_up_at=life.customer.next_follow_up_at,
            )
        )  # fmt: skip

    # --- Around it ----------------------------------------------------------------------------------------------------

    def _around(self, life: Life, person: Person) -> None:
        customer, chance = life.customer, self.chance
        organization, at = customer.organization, customer.created_at
        life.tags += [name for name in ("price", "anxious", "referral", "insurance") if chance.random() < 0.1]
        if chance.random() < 0.25:
            kind = life.thread.channel.kind if life.thread else ""
            life.consents.append(
                Consent(organization=organization, customer=customer, channel=kind, is_granted=True, created_at=at,
                        how="ticked the box on the enquiry form", actor_label="Parley")
            )  # fmt: skip
        if chance.random() < 0.08:
            child, family = chance.choice(("Ben", "Mila", "Noah", "Ella")), person.name.split()[-1]
            life.contacts.append(
                Contact(organization=organization, customer=customer, name=f"{child} {family}", relationship="patient",
                        birth_date=self.clinic.people.birth_date(self.times.today), created_at=at, updated_at=at)
            )  # fmt: skip

    def _sum_up(self, life: Life) -> None:
        """The columns of the customer that are made of the other rows."""
        customer = life.customer
        customer.last_activity_at = max(life.moments())
        customer.updated_at = max(customer.stage_since, customer.created_at)
        customer.open_value = sum(
            (deal.amount for deal in life.deals if deal.status == Deal.Status.OPEN and deal.currency == CURRENCY),
            Decimal(0),
        )

    def _weighted(self, weights: dict[str, int]) -> str:
        return self.chance.choices(list(weights), list(weights.values()))[0]
