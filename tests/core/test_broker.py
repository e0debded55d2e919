import threading
import time

import pytest
from kombu import Connection, Exchange, Queue

from core import broker


@pytest.fixture
def connection(tmp_path):
    broker.use_local_broker()
    with Connection("local://localhost", transport_options={"folder": str(tmp_path / "broker")}) as opened:
        yield opened


@pytest.fixture
def queue(connection):
    return Queue("bell", Exchange("bell", type="direct"), routing_key="bell")(connection.default_channel)


def send(connection, queue, body, **options):
    connection.Producer().publish(body, exchange="bell", routing_key="bell", declare=[queue], **options)


def take(queue):
    message = queue.get(no_ack=True)
    return message and message.payload


def test_messages_come_in_the_order_in_which_they_were_sent(connection, queue):
    for number in range(20):
        send(connection, queue, {"number": number})
    assert [take(queue)["number"] for _ in range(20)] == list(range(20))
    assert take(queue) is None


def test_each_message_is_taken_once_by_many_readers(connection, queue, tmp_path):
    for number in range(300):
        send(connection, queue, {"number": number})
    taken = []

    def read():
        with Connection("local://localhost", transport_options={"folder": str(tmp_path / "broker")}) as own:
            mine = Queue("bell", Exchange("bell", type="direct"), routing_key="bell")(own.default_channel)
            while (payload := take(mine)) is not None:
                taken.append(payload["number"])

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(20)
    assert sorted(taken) == list(range(300))


def test_a_reader_never_sees_half_a_message(connection, queue, tmp_path):
    """A writer that is slow, or dies, has only a draft beside the queue."""
    send(connection, queue, {"number": 1})
    (tmp_path / "broker" / f".{time.time_ns():020d}-{time.time_ns() + 10**12:020d}-1-1").write_text('{"body": "ha')
    assert take(queue) == {"number": 1}
    assert take(queue) is None


def test_an_expired_message_is_dropped(connection, queue):
    send(connection, queue, {"number": 1}, expiration=0.05)
    send(connection, queue, {"number": 2}, expiration=60)
    time.sleep(0.1)
    assert take(queue) == {"number": 2}
    assert take(queue) is None


def test_the_folder_stays_small_while_nobody_reads(connection, queue, tmp_path, monkeypatch):
    monkeypatch.setattr(broker, "CLEAR_EVERY_SECONDS", 0.0)
    (tmp_path / "broker" / "bell").mkdir(parents=True, exist_ok=True)
    dead_draft = tmp_path / "broker" / f".{1:020d}-{2:020d}-1-1"
    dead_draft.write_text("{")
    for number in range(50):
        send(connection, queue, {"number": number}, expiration=0.001)
    time.sleep(0.01)
    send(connection, queue, {"number": 50}, expiration=60)
    files = [path for path in (tmp_path / "broker").rglob("*") if path.is_file()]
    assert len(files) == 1


def test_a_message_that_was_not_acknowledged_comes_back(connection, queue):
    """A worker that ends warmly gives back what it had not begun."""
    send(connection, queue, {"number": 1})
    channel = connection.channel()
    bound = queue(channel)
    assert bound.get().payload == {"number": 1}
    assert take(queue) is None
    channel.close()
    assert take(queue) == {"number": 1}


def test_purge_counts_what_it_deletes(connection, queue):
    for number in range(3):
        send(connection, queue, {"number": number})
    assert queue.purge() == 3
    assert take(queue) is None


@pytest.mark.parametrize("name", ["../out", "a/b", "..", "", "x" * 300])
def test_a_queue_name_leads_nowhere_else(connection, name):
    with pytest.raises(ValueError, match="name of a queue"):
        connection.default_channel._put(name, {})
