"""A key's reservation: one caller at a time, and nothing of a caller whose reservation went to another."""

from __future__ import annotations

import uuid

import pytest

from accounts.idempotency import services as idempotency
from accounts.models import IdempotentCall


def reserve(organization):
    return idempotency.reserve(organization=organization, key_hash="k" * 64, body_hash="b" * 64)


def test_a_call_is_in_progress_for_others_until_its_lease_ends(inside):
    reserve(inside)
    with pytest.raises(idempotency.InProgress):
        reserve(inside)


def test_the_answer_of_a_reservation_that_went_to_another_is_not_stored(inside):
    call = reserve(inside)
    IdempotentCall.objects.filter(pk=call.pk).update(token=uuid.uuid4())
    idempotency.store(call, status=200, headers={}, body="{}")
    assert not IdempotentCall.objects.get(pk=call.pk).is_answered
