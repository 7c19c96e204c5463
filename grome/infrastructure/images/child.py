"""Decode one untrusted file from the standard input and write it as JPEG images to the standard output.

`ImageEncoder` runs this module as a process of its own for each file. The arguments are the content type and the
longest sides of the wanted images, in pixels.
"""

import io
import os
import resource
import sys
import warnings
from typing import Final

from PIL import Image, ImageCms, ImageFile, ImageOps

from grome.infrastructure.images.limits import (
    CPU_SECONDS,
    IMAGE_HEAD,
    MAX_PIXELS,
    MEMORY_BYTES,
    NOT_READABLE,
    TOO_LARGE,
    TOO_MUCH_MEMORY,
)

_NICENESS: Final = 10
_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_QUALITY: Final = 85
_PDF: Final = "application/pdf"
# The points of a page that is larger than any paper; PDF allows pages of kilometres.
_MAX_POINTS: Final = 20_000


class TooLargeError(Exception):
    """The image or page is larger than any that is read."""


def main(content_type: str, sides: list[int]) -> int:
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("error")
    Image.preinit()
    Image.init()
    if content_type == _PDF:
        import pypdfium2  # noqa: F401, PLC0415 -- loaded before files are out of reach
    limit_resources()
    try:
        content = sys.stdin.buffer.read()
        image = _first_page(content, max(sides)) if content_type == _PDF else _decode(content, content_type, max(sides))
        encoded = [_encode(image, side) for side in sides]
    except (TooLargeError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return TOO_LARGE
    except MemoryError:
        return TOO_MUCH_MEMORY
    except Exception:  # noqa: BLE001 -- decoders raise anything for a broken file
        return NOT_READABLE
    for part in encoded:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
    return 0


def limit_resources() -> None:
    """Set limits that a decoder under an attacker's control cannot raise again."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # Standard input and output stay open; no file and no connection can be opened any more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _decode(content: bytes, content_type: str, side: int) -> Image.Image:
    """Return the first frame, upright and in sRGB, without metadata."""
    image = Image.open(io.BytesIO(content), formats=[_FORMATS[content_type]])
    _check_pixels(image.width, image.height)
    image.draft("RGB", (side, side))  # a JPEG file is decoded no larger than needed
    profile = image.info.get("icc_profile")
    image.load()
    # Smaller first: each of the later steps copies the image.
    smaller = _to_resizable(image)
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _flatten(_to_srgb(ImageOps.exif_transpose(smaller), profile))


def _to_resizable(image: Image.Image) -> Image.Image:
    """Convert an image with a palette, or with other samples than bytes, to a mode that can be resized."""
    if image.mode in {"I;16", "I"}:
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise TooLargeError


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the image's own colour profile. A broken profile is ignored."""
    if not profile or image.mode not in {"RGB", "RGBA"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB")) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _flatten(image: Image.Image) -> Image.Image:
    """Return an image in RGB; transparent parts become white."""
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, "white")
        image = Image.alpha_composite(white, with_alpha)
    return image.convert("RGB")


def _first_page(content: bytes, side: int) -> Image.Image:
    """Render the first page. No script of the document runs, and no link is followed."""
    import pypdfium2  # noqa: PLC0415 -- needed for documents only

    document = pypdfium2.PdfDocument(content)
    page = document[0]
    width, height = page.get_size()
    if not (0 < width <= _MAX_POINTS and 0 < height <= _MAX_POINTS):
        raise TooLargeError
    rendered: Image.Image = page.render(scale=side / max(width, height), may_draw_forms=False).to_pil()
    return rendered.convert("RGB")


def _encode(image: Image.Image, side: int) -> bytes:
    smaller = image.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    smaller.info.clear()
    target = io.BytesIO()
    smaller.save(target, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    encoded = target.getvalue()
    return IMAGE_HEAD.pack(smaller.width, smaller.height, len(encoded)) + encoded


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [int(side) for side in sys.argv[2:]]))
