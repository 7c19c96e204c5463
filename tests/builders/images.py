"""Make image files of any format, good and bad."""

import io
import struct
import zlib
from typing import Any, Final

from fpdf import FPDF
from PIL import Image, ImageDraw

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def image(content_type: str = "image/png", size: tuple[int, int] = (64, 48), mode: str = "RGB", **saved: Any) -> bytes:
    """Return an image with a red and a blue half, left and right."""
    drawn = Image.new(mode, size, "blue")
    ImageDraw.Draw(drawn).rectangle((0, 0, size[0] // 2, size[1]), fill="red")
    target = io.BytesIO()
    drawn.save(target, FORMATS[content_type], **saved)
    return target.getvalue()


def pdf(text: str = "IDENTITY CARD") -> bytes:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=30)
    document.text(20, 40, text)
    return bytes(document.output())


def png_bomb(width: int, height: int) -> bytes:
    """Return a small file that claims, and has, this many black pixels."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    line = b"\0" * (1 + (width + 7) // 8)
    packer, packed = zlib.compressobj(9), b""
    for _ in range(height):
        packed += packer.compress(line)
    packed += packer.flush()
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def read_image(content: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(content))
    opened.load()
    return opened
