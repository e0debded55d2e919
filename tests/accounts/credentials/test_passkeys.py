"""Passkeys, with a device made of a key: what it answers is what a browser sends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.contrib.auth import get_user
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts.credentials import throttle
from accounts.models import Passkey, RecoveryCode, User
from accounts.organizations import services as organizations
from core.tenancy import organization_scope
from tests.accounts.factors import begin_sign_in, recently
from tests.conftest import Person

pytestmark = pytest.mark.django_db
HOST = "localhost"
ADD, ALONE, SECOND = "/account/passkeys/new/", "/sign-in/passkey/", "/sign-in/code/passkey/"


@dataclass
class Device:
    """An authenticator. `verifies`: it asks for a finger; `counts`: it has a counter of signatures."""

    owner: Person
    verifies: bool = True
    counts: bool = True
    count: int = 0
    origin: str = f"http://{HOST}"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = b"a credential of 16 bytes or more"

    def _data(self, credential: AttestedCredentialData | None = None) -> AuthenticatorData:
        self.count += self.counts
        flags = AuthenticatorData.FLAG.UP
        flags |= AuthenticatorData.FLAG.UV if self.verifies else AuthenticatorData.FLAG(0)
        flags |= AuthenticatorData.FLAG.AT if credential else AuthenticatorData.FLAG(0)
        return AuthenticatorData.create(sha256(HOST.encode()), flags, self.count, credential or b"")

    def _client_data(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        name = websafe_encode(self.credential_id)
        parts = {key: websafe_encode(value) for key, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})

    def create(self, options: str) -> str:
        public = ES256.from_cryptography_key(self.key.public_key())
        data = self._data(AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public))
        attestation = AttestationObject.create("none", data, {})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options), attestationObject=bytes(attestation)
        )

    def get(self, options: str) -> str:
        data, client = self._data(), self._client_data("webauthn.get", options)
        signature = self.key.sign(bytes(data) + sha256(client), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=client, authenticatorData=bytes(data), signature=signature,
            userHandle=self.owner.user.pk.bytes,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def host(settings):
    settings.ALLOWED_HOSTS = [HOST, "testserver"]


def browser() -> Client:
    return Client(SERVER_NAME=HOST)


def options_of(page: Client, address: str) -> str:
    return str(page.get(address, SERVER_NAME=HOST).context["options"])


def add(device: Device, name: str = "Laptop") -> Client:
    page = recently(device.owner)
    answer = device.create(options_of(page, ADD))
    response = page.post(ADD, {"name": name, "credential": answer}, SERVER_NAME=HOST)
    assert response.status_code == 302, response.context["form"].errors
    return page


def alone(device: Device, page: Client | None = None):
    page = page or browser()
    return page, page.post(ALONE, {"credential": device.get(options_of(page, ALONE))})


def is_in(page: Client) -> bool:
    return bool(get_user(page).is_authenticated)


def test_a_passkey_is_a_second_factor_and_comes_with_recovery_codes(bob):
    device = Device(bob)
    add(device)
    user = User.objects.get(pk=bob.user.pk)
    assert user.has_second_factor
    assert RecoveryCode.objects.filter(user=user).count() == 10
    page = begin_sign_in(bob, browser())
    assert not is_in(page)
    answer = device.get(options_of(page, "/sign-in/code/"))
    assert page.post(SECOND, {"credential": answer}).url == "/"
    assert is_in(page)


def test_alone_it_signs_in_where_the_device_has_asked_who_it_is(bob):
    device = Device(bob)
    add(device)
    page, answer = alone(device)
    assert answer.url == "/"
    assert get_user(page) == bob.user
    device.verifies = False
    page, answer = alone(device)
    assert "could not be used" in answer.content.decode()
    assert not is_in(page)


def test_each_question_has_one_answer(bob):
    device = Device(bob, counts=False)
    add(device)
    page = browser()
    answer = device.get(options_of(page, ALONE))
    assert page.post(ALONE, {"credential": answer}).status_code == 302
    page.post("/sign-out/")
    page.get(ALONE)
    page.post(ALONE, {"credential": answer})
    assert not is_in(page)
    assert is_in(alone(device, page)[0])  # the page asks anew


def test_a_copy_is_noticed_by_its_count(bob):
    device = Device(bob)
    add(device)
    alone(device)
    device.count -= 2
    assert not is_in(alone(device)[0])


@pytest.mark.parametrize("wrong", ["", "{}", "[]", "nonsense", '{"id": 1, "rawId": "x", "response": {}}', "x" * 30_000])
def test_nonsense_is_refused_and_slowed(bob, wrong):
    add(Device(bob))
    page = browser()
    page.get(ALONE)
    answer = page.post(ALONE, {"credential": wrong})
    assert (answer.status_code, is_in(page)) == (200, False)
    adding = add_page(bob)
    assert adding.post(ADD, {"name": "x", "credential": wrong}, SERVER_NAME=HOST).context["form"].errors
    assert Passkey.objects.count() == 1


def add_page(bob: Person) -> Client:
    page = bob.client
    session = page.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    page.get(ADD, SERVER_NAME=HOST)
    return page


def test_many_are_slowed(bob):
    page = browser()
    for _ in range(throttle.ADDRESS.failures):
        page.post(ALONE, {"credential": "x"})
    assert page.post(ALONE, {"credential": "x"}).status_code == 429
    # Nobody elsewhere is kept from their passkey by it.
    assert Client(SERVER_NAME=HOST, REMOTE_ADDR="192.0.2.9").post(ALONE, {"credential": "x"}).status_code == 200


def test_another_page_can_not_ask_for_it(bob):
    device = Device(bob, origin="https://evil.example")
    page = add_page(bob)
    answer = device.create(options_of(page, ADD))
    assert page.post(ADD, {"name": "x", "credential": answer}, SERVER_NAME=HOST).context["form"].errors
    device.origin = f"http://{HOST}"
    add(device)
    device.origin = "https://evil.example"
    assert not is_in(alone(device)[0])


def test_anothers_passkey_is_no_second_step(alice, bob):
    add(Device(bob))
    hers = Device(alice, credential_id=b"another one of 16 bytes or more.")
    add(hers)
    page = begin_sign_in(bob, browser())
    answer = hers.get(options_of(page, "/sign-in/code/"))
    page.post(SECOND, {"credential": answer})
    assert not is_in(page)
    assert browser().post(SECOND, {"credential": answer}).url == "/sign-in/"


def test_it_is_removed_by_its_owner_and_the_last_one_stays_where_one_is_required(alice, bob):
    mine = add(Device(bob))
    row = Passkey.objects.get()
    remove = f"account/security/passkeys/{row.pk}/remove/"
    hers = add(Device(alice, credential_id=b"another one of 16 bytes or more."))
    assert hers.post(alice.url(remove)).status_code == 404
    alice.user.refresh_from_db()
    with organization_scope(alice.organization):
        organizations.require_second_factor(organization=alice.organization, is_required=True, actor=alice.actor)
    mine.post(bob.url(remove))
    assert Passkey.objects.filter(pk=row.pk).exists()
    with organization_scope(alice.organization):
        organizations.require_second_factor(organization=alice.organization, is_required=False, actor=alice.actor)
    assert "Remove the passkey “Laptop”?" in mine.get(bob.url(remove)).content.decode()
    mine.post(bob.url(remove))
    assert not User.objects.get(pk=bob.user.pk).has_second_factor


def test_an_address_without_a_name_has_none(bob, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1", "crm.example.com"]
    name = "crm.example.com"
    for host, is_secure, status in (("127.0.0.1", True, 404), (name, False, 404), (name, True, 200)):
        assert Client(SERVER_NAME=host).get(ALONE, secure=is_secure).status_code == status


def test_adding_asks_who_it_is_first(bob):
    assert bob.client.get(ADD, SERVER_NAME=HOST).url.startswith("/account/confirm/")
    assert begin_sign_in(bob).get(ADD, SERVER_NAME=HOST).status_code == 200


def test_alone_the_device_is_asked_for_a_finger_at_once(bob):
    """Else the browser takes a touch, and whoever was content with that is refused."""
    add(Device(bob))
    assert json.loads(options_of(browser(), ALONE))["userVerification"] == "required"
    second = json.loads(options_of(begin_sign_in(bob, browser()), "/sign-in/code/"))
    assert second["userVerification"] == "preferred"


def test_a_question_that_asks_for_no_finger_is_not_answered_alone(bob):
    """The second step takes a touch, since the password came first; its challenge opens nothing without one."""
    found = Device(bob)
    add(found)
    page = begin_sign_in(bob, browser())
    options = options_of(page, "/sign-in/code/")
    found.verifies = False
    assert page.post(ALONE, {"credential": found.get(options)}).status_code == 200
    assert not is_in(page)
