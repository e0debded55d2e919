"""Pictures that people upload: made anew, so that nothing else of the file is kept, at the size they are shown."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core.refused import Invalid

MAX_BYTES: Final = 5_000_000
MAX_PIXELS: Final = 50_000_000
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")


def squared(content: IO[bytes], size: int, *, side: int, field: str) -> bytes:
    """A square of so many pixels, as WebP, on white. Raises Invalid for what is no picture, or a too large one."""
    with _opened(content, size, side, field) as upright:
        square = ImageOps.fit(upright, (side, side))
        plain = Image.new("RGB", square.size, "white")
        plain.paste(square, mask=square.getchannel("A"))
        return _as_webp(plain)


def fitted(content: IO[bytes], size: int, *, side: int, field: str) -> bytes:
    """The whole picture, in so many pixels to its longer side at most, as WebP. Raises Invalid as `squared`."""
    with _opened(content, size, side, field) as upright:
        upright.thumbnail((side, side))
        return _as_webp(upright)


@contextmanager
def _opened(content: IO[bytes], size: int, side: int, field: str) -> Generator[Image.Image]:
    if size > MAX_BYTES:
        raise Invalid(field, _("At most %(most)s MB.") % {"most": MAX_BYTES // 1_000_000})
    try:
        with Image.open(content, formats=FORMATS) as opened:
            # The header says how large it is; nothing is unpacked before.
            if opened.width * opened.height > MAX_PIXELS:
                raise Invalid(field, _("This picture is too large. Make it smaller first."))
            opened.draft("RGB", (side * 2, side * 2))
            yield ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Invalid(field, _("This is no picture that can be read. Choose a JPEG, PNG, WebP or GIF.")) from error


def _as_webp(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=85)
    return out.getvalue()
