"""A restored copy sends nothing until somebody has decided; another host of the same installation is no copy."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.credentials import password_resets
from accounts.models import PasswordReset
from activity import installation
from activity.models import Installation
from core.tenancy import every_organization
from customers.work.tasks import reminders
from messaging.delivery import sending
from messaging.models import Conversation, Message
from tests.fakes.twilio import FakeTwilio
from tests.messaging.conftest import current

pytestmark = pytest.mark.django_db


class Host:
    """A machine with a data folder and worker of its own; all of them work on the test's database."""

    def __init__(self, folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.settings, self.monkeypatch = folder, settings, monkeypatch
        self.seen: tuple[str, int] = ("", 0)

    def __enter__(self) -> None:
        self.settings.DATA_DIR = self.folder
        self.monkeypatch.setattr(installation, "_is_worker", True)
        self.monkeypatch.setattr(installation, "_is_compared", bool(self.seen[1]))
        self.monkeypatch.setattr(installation, "_seen", self.seen)

    def __exit__(self, *_: Any) -> None:
        self.seen = installation._seen

    def works(self, times: int = 1) -> bool:
        with self:
            return [installation.advance() for _ in range(times)][-1]

    def send(self) -> int:
        with self:
            return sending.deliver_due()


@pytest.fixture
def host(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda name="first": Host(tmp_path / name, settings, monkeypatch)


def dump() -> dict[str, Any]:
    return dict(Installation.objects.values().get(pk=1))


def restore(backup: dict[str, Any]) -> None:
    Installation.objects.filter(pk=1).delete()
    Installation.objects.create(**backup)


def age(by: timedelta) -> None:
    Installation.objects.update(advanced_at=timezone.now() - by)


class TestSigns:
    def test_an_older_state_put_back_is_held_and_sends_nothing(
        self, host: Any, queue: Any, twilio: FakeTwilio, caplog: Any
    ):
        first = host()
        assert first.works(3)
        backup = dump()
        assert first.works(2)
        restore(backup)
        rows = [queue(f"text {number}") for number in range(20)]
        assert first.send() == 0
        assert twilio.store.requests == []
        assert {current(row).status for row in rows} == {"queued"}
        assert "restored_copy" in [record.message for record in caplog.records]
        assert not first.works(), "it stays held"

    def test_one_that_starts_on_an_older_state_is_held_before_anything_leaves(
        self, host: Any, queue: Any, twilio: FakeTwilio
    ):
        first = host()
        first.works(1)
        backup = dump()
        first.works(5)
        restore(backup)
        queue()
        assert host().send() == 0
        assert twilio.store.requests == []

    @pytest.mark.parametrize("idle", [timedelta(minutes=11), timedelta(days=40)])
    def test_a_database_that_lay_idle_is_held_where_it_is_not_known(self, idle: timedelta, host: Any, queue: Any):
        host().works()
        age(idle)
        queue()
        elsewhere = host("elsewhere")
        assert elsewhere.send() == 0
        assert "does not know it" in Installation.objects.get().held_why

    def test_a_copied_data_folder_is_held(self, host: Any, tmp_path: Path):
        host().works()
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / installation.NOTE).write_text((tmp_path / "first" / installation.NOTE).read_text())
        assert not host("copy").works()

    def test_a_database_of_another_name_is_held(self, host: Any, settings: Any):
        settings.INSTALLATION_NAME = "production"
        assert host().works()
        settings.INSTALLATION_NAME = "trying out"
        assert not host("elsewhere").works()
        assert "production" in installation.reason()


class TestNoSigns:
    def test_a_fresh_database_is_not_held(self, host: Any, queue: Any, twilio: FakeTwilio):
        message = queue()
        first = host()
        assert first.send() == 1
        assert current(message).status in ("sent", "delivered", "read")

    def test_several_hosts_work_on_one_database(self, host: Any):
        hosts = [host(str(number)) for number in range(3)]
        assert all(one.works() for _ in range(4) for one in hosts)

    @pytest.mark.parametrize("idle", [timedelta(minutes=30), timedelta(days=40)])
    def test_one_that_was_off_goes_on(self, idle: timedelta, host: Any):
        host().works()
        age(idle)
        assert host().works()

    def test_a_lost_data_folder_of_one_that_ran_a_moment_ago_goes_on(self, host: Any):
        host().works()
        assert host("new").works()

    def test_a_first_name_is_no_other_name(self, host: Any, settings: Any):
        host().works()
        settings.INSTALLATION_NAME = "production"
        assert host().works()
        assert Installation.objects.get().name == "production"

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": 1}', json.dumps({"epoch": "x"})])
    def test_a_note_that_cannot_be_read_is_none(self, content: str, host: Any, tmp_path: Path):
        host().works()
        (tmp_path / "first" / installation.NOTE).write_text(content)
        assert host().works()

    def test_a_note_of_quite_another_database_is_none(self, host: Any):
        host().works(9)
        restore({**dump(), "identity": uuid.uuid4(), "epoch": 2})
        assert host().works()

    def test_asking_costs_one_query(self, host: Any, django_assert_num_queries: Any):
        first = host()
        first.works()
        with first, django_assert_num_queries(1):
            assert not installation.is_held()


@pytest.fixture
def copy(host: Any, thread: Conversation, queue: Any) -> Host:
    """Held, with one message that was due in the backup, one of later, and one written since."""
    first: Host = host()
    first.works()
    backup = dump()
    first.works(2)
    queue("due")
    queue("later", not_before_at=timezone.now() + timedelta(hours=3))
    restore(backup)
    assert not first.works()
    queue("since")
    return first


def texts(status: str) -> set[str]:
    with every_organization("the test looks"):
        return set(Message.objects.filter(status=status, direction="outbound").values_list("body", flat=True))


class TestDeciding:
    @pytest.mark.parametrize(
        ("option", "cancelled"),
        [("--send", set()), ("--cancel-due", {"due"}), ("--cancel-all", {"due", "later"})],
    )
    def test_what_came_along_is_sent_or_cancelled(
        self, option: str, cancelled: set[str], copy: Host, twilio: FakeTwilio
    ):
        out = io.StringIO()
        with copy:
            call_command("accept_restored_copy", option, stdout=out)
        assert f"{len(cancelled)} messages" in out.getvalue()
        assert texts("cancelled") == cancelled
        assert copy.works()
        copy.send()
        assert {form["Body"] for form in twilio.store.requests} == {"due", "since"} - cancelled
        assert texts("queued") == {"later"} - cancelled

    def test_after_the_decision_the_other_hosts_go_on_and_a_second_restore_is_seen(self, copy: Host, host: Any):
        other = host("other")
        with copy:
            before = dump()
            installation.decide()
        assert other.works()
        assert copy.works()
        restore({**before, "held_since": None, "held_why": ""})
        assert not copy.works()

    def test_where_nothing_is_held_there_is_nothing_to_decide(self, host: Any):
        host().works()
        with pytest.raises(CommandError, match="not held"):
            call_command("accept_restored_copy", "--send")
        out = io.StringIO()
        call_command("accept_restored_copy", stdout=out)
        assert "not held" in out.getvalue()

    def test_two_options_are_refused(self, copy: Host):
        with pytest.raises(CommandError):
            call_command("accept_restored_copy", "--send", "--cancel-all")

    def test_reminders_wait_as_well(self, copy: Host):
        with copy:
            assert reminders.remind_due() == 0
            assert installation.is_held()

    def test_a_superuser_decides_in_the_admin(self, copy: Host, twilio: FakeTwilio):
        get_user_model().objects.create_superuser("root@parley.example", "a calm harbour at dawn")
        client = Client()
        client.force_login(get_user_model().objects.get(email="root@parley.example"))
        with copy:
            answer = client.post(
                "/admin/activity/installation/", {"action": "cancel_due", "_selected_action": "1"}, follow=True
            )
        assert answer.status_code == 200
        assert texts("cancelled") == {"due"}
        assert installation.held() is None


class TestShown:
    def test_home_tells_administrators_and_nobody_else(self, copy: Host, alice: Any, bob: Any):
        assert "restored copy" in alice.client.get(alice.url("")).content.decode()
        assert "restored copy" not in bob.client.get(bob.url("")).content.decode()

    def test_ready_calls_for_attention_and_stays_ready(self, copy: Host, client: Client):
        answer = client.get("/health/ready").json()
        assert answer["checks"]["restored copy"] == "attention"


def test_a_dump_that_was_read_in_elsewhere_a_moment_ago_is_a_copy(host: Any, monkeypatch: pytest.MonkeyPatch):
    """Its epoch is fresh and its data folder new, as a further host's; but the database is another one."""
    assert host("first").works(3)
    assert host("second").works(), "a further host of the same database"
    monkeypatch.setattr(installation, "_database", lambda: "another/16384")
    staging = host("staging")
    assert not staging.works()
    held = installation.held()
    assert held is not None
    assert "another server" in held.held_why
    with staging:
        installation.decide(cancel_all=True)
    assert staging.works()


def test_a_server_that_does_not_say_which_it_is_is_no_copy(host: Any, monkeypatch: pytest.MonkeyPatch):
    assert host("first").works(2)
    monkeypatch.setattr(installation, "_database", lambda: "")
    assert host("second").works()


def test_links_for_new_passwords_that_came_along_are_not_mailed_again(host: Any, mailoutbox: Any):
    user = get_user_model().objects.create_user("kim@clinic.example", "a calm harbour")
    here = host("first")
    assert here.works()
    old = PasswordReset.objects.create(email=user.email, due_at=timezone.now() - timedelta(minutes=2))
    PasswordReset.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    Installation.objects.update(held_since=timezone.now() - timedelta(minutes=1), held_why="a test")
    with here:
        password_resets.ask(email="kim@clinic.example", address="192.0.2.1")
        password_resets.send_due()
    assert len(mailoutbox) == 1, "the one that was asked for here"
