from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from core.tenancy import organization_scope
from messaging.models import MediaFile
from tests.ledger import stamp_again


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def add_file(alice: Any, media: Path) -> Any:
    with organization_scope(alice.organization):
        stamp_again()

    def add(content: bytes = b"a picture") -> MediaFile:
        with organization_scope(alice.organization):
            return MediaFile.objects.create(
                organization=alice.organization, content=ContentFile(content, name="x"), name="x.png",
                content_type="image/png", size=len(content),
            )  # fmt: skip

    return add
