"""Downloads of uploaded files, with headers that keep a browser from running them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from django.core.files.storage import Storage
from django.http import Http404, HttpRequest, StreamingHttpResponse
from rest_framework.request import Request

from core.streaming import streamed

CHUNK = 256 * 1024


def as_download(request: HttpRequest | Request, file: StoredFile, content_type: str) -> StreamingHttpResponse:
    """Stream the file's content under its name. Raises Http404 where the storage does not have it."""
    if not file.storage.exists(file.path):
        raise Http404("The file is gone.")
    response = streamed(request, _pieces(file), content_type=content_type, filename=file.name)
    response.headers["Content-Length"] = str(file.storage.size(file.path))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _pieces(file: StoredFile) -> Generator[bytes]:
    with file.storage.open(file.path) as content:
        while piece := content.read(CHUNK):
            yield piece


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a storage: what a person calls it, and where it is."""

    name: str
    storage: Storage
    path: str
