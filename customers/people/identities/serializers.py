"""A customer's addresses, as the API shows them."""

from __future__ import annotations

from rest_framework import serializers

from customers.models import Identity


class IdentitySerializer(serializers.ModelSerializer[Identity]):
    class Meta:
        model = Identity
        fields = ["id", "kind", "value", "is_primary"]
