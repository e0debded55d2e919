"""A kept file as an answer, with headers that let a browser do nothing but show or save it."""

from __future__ import annotations

import re
from typing import Final

from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase

from messaging.models import MediaFile

# Nothing in it may run, load or be framed elsewhere, whatever it turns out to be.
POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'self'"
_BYTES: Final = "application/octet-stream"
# Types that a provider may see of a file, so that the recipient's phone knows what it is. Nothing else is called by its
# name: what a browser might run as a page or a script of ours has many.
_SENDABLE: Final = re.compile(
    r"(audio|video)/[a-z0-9.+-]+|image/(jpeg|png|gif|webp|heic|tiff|bmp)|text/(plain|csv|calendar|vcard|x-vcard|rtf)|"
    r"application/(pdf|rtf|zip|msword|ogg|vcard|"
    r"vnd\.(ms-[a-z0-9.-]+|apple\.[a-z]+|openxmlformats-officedocument\.[a-z0-9.-]+|oasis\.opendocument\.[a-z0-9.-]+))"
)


def respond(file: MediaFile, *, is_thumbnail: bool = False, is_public: bool = False) -> HttpResponseBase:
    """The file, shown in place where it is a picture, a sound or a PDF, else as a download. Raises Http404."""
    source = file.thumbnail if is_thumbnail and file.thumbnail else file.content
    is_drawn = is_thumbnail and bool(file.thumbnail)
    try:
        opened = source.open("rb")
    except OSError as error:
        raise Http404("The file is not in the storage any more.") from error
    # A provider needs the type by which the recipient's phone knows what it is.
    served_type = "image/webp" if is_drawn else file.content_type
    may_be_named = _SENDABLE.fullmatch(served_type.partition(";")[0].strip().lower()) is not None
    response = FileResponse(
        opened,
        as_attachment=not (is_drawn or file.is_shown),
        filename=file.name,
        content_type=served_type if is_drawn or file.is_shown or (is_public and may_be_named) else _BYTES,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_public else "same-origin"
    response.headers["Cache-Control"] = "private, max-age=3600" if is_drawn else "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
