"""Files by strangers become harmless images, or are refused, and nothing waits for them."""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import psutil
import pytest
from PIL import Image, ImageCms
from pypdf import PdfReader, PdfWriter

from grome.common.errors import Unavailable
from grome.infrastructure.images.encoder import (
    MAX_CONCURRENT,
    MAX_WAITING,
    EncodedImage,
    ImageEncoder,
    ImageRefusedError,
    Refusal,
)
from grome.infrastructure.images.limits import MAX_PIXELS, MEMORY_BYTES, NOT_READABLE
from tests.builders.images import FORMATS, image, pdf, png_bomb, read_image
from tests.support.eventually import until

SCRIPT: Final = b"<script>alert('polyglot')</script>"
PRIVATE: Final = b"GPS 52.5200N 13.4050E"


async def once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


async def encode(content: bytes, content_type: str, *sides: int) -> list[EncodedImage]:
    return await ImageEncoder().encode(once(content), content_type, sides or (100,))


async def refusal_of(content: bytes, content_type: str) -> Refusal:
    with pytest.raises(ImageRefusedError) as refused:
        await encode(content, content_type)
    return refused.value.refusal


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[2] < 60


@pytest.mark.parametrize("content_type", FORMATS)
async def test_image_of_each_type_becomes_jpeg_images_of_the_wanted_sizes(content_type: str) -> None:
    encoded = await encode(image(content_type, (400, 200)), content_type, 800, 200, 40)
    assert [(one.width, one.height) for one in encoded] == [(400, 200), (200, 100), (40, 20)]
    for one in encoded:
        read = read_image(one.content)
        assert (read.format, read.mode, read.size) == ("JPEG", "RGB", (one.width, one.height))
        assert is_red(read.getpixel((1, 1)))
        assert not is_red(read.getpixel((one.width - 2, 1)))


async def test_pdf_becomes_an_image_of_its_first_page() -> None:
    (page,) = await encode(pdf(), "application/pdf", 1000)
    read = read_image(page.content)
    assert max(read.size) == 1000
    assert read.height > read.width
    assert read.convert("L").getextrema() == (0, 255)  # black letters on white


async def test_metadata_and_appended_bytes_are_gone_and_the_image_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = PRIVATE.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sent = image("image/jpeg", (400, 200), exif=exif, comment=PRIVATE, icc_profile=profile) + SCRIPT
    assert PRIVATE in sent
    (got,) = await encode(sent, "image/jpeg", 400)
    assert (got.width, got.height) == (200, 400)
    assert is_red(read_image(got.content).getpixel((100, 5)))
    assert not set(read_image(got.content).info) & {"exif", "comment", "icc_profile"}
    assert PRIVATE not in got.content
    assert SCRIPT not in got.content


async def test_transparent_and_palette_images_get_a_white_ground() -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(clear, "PNG")
    (got,) = await encode(clear.getvalue(), "image/png")
    assert read_image(got.content).getpixel((10, 10)) == (255, 255, 255)
    for mode in ("P", "L", "LA", "1", "I;16", "CMYK"):
        content_type = "image/jpeg" if mode == "CMYK" else "image/png"
        sent = io.BytesIO()
        Image.new(mode, (20, 20)).save(sent, FORMATS[content_type])
        assert read_image((await encode(sent.getvalue(), content_type))[0].content).mode == "RGB"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "image/png"),
        (b"\x89PNG\r\n\x1a\n" + SCRIPT, "image/png"),
        (b"GIF89a" + SCRIPT, "image/jpeg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image/png"),
        (image("image/png"), "image/jpeg"),
        (image("image/webp"), "image/png"),
        (image("image/jpeg", (200, 200))[:-200], "image/jpeg"),
        (image("image/png", (200, 200))[:150], "image/png"),
        (pdf()[:400], "application/pdf"),
        (image(), "application/pdf"),
        (b"MZ\x90\x00" + bytes(1000), "application/pdf"),
    ],
    ids=["empty", "script", "gif", "svg", "postscript", "png-as-jpeg", "webp-as-png", "half-jpeg", "half-png",
         "half-pdf", "png-as-pdf", "program"],
)  # fmt: skip
async def test_disguised_or_broken_file_is_refused(content: bytes, content_type: str) -> None:
    assert await refusal_of(content, content_type) is Refusal.NOT_READABLE


async def test_protected_pdf_is_refused() -> None:
    writer = PdfWriter(PdfReader(io.BytesIO(pdf())))
    writer.encrypt("secret")
    target = io.BytesIO()
    writer.write(target)
    assert await refusal_of(target.getvalue(), "application/pdf") is Refusal.NOT_READABLE


async def test_large_image_with_transparency_is_within_the_memory_limit() -> None:
    whole = image(size=(6_000, 3_750), mode="RGBA")
    assert len(whole) < 2**20
    (got,) = await encode(whole, "image/png", 1600)
    assert (got.width, got.height) == (1600, 1000)
    assert is_red(read_image(got.content).getpixel((1, 1)))


async def test_decompression_bombs_are_refused_without_being_decoded() -> None:
    bomb = png_bomb(30_000, 30_000)
    assert len(bomb) < 2**20
    assert MAX_PIXELS < 30_000 * 30_000
    assert await refusal_of(bomb, "image/png") is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("sys.stdout.buffer.write(b'not an image')", Refusal.NOT_READABLE),
        ("sys.stdout.buffer.write(struct.pack('>III', 9, 9, 9) + b'<script>x')", Refusal.NOT_READABLE),
        ("sys.stdout.buffer.write(bytes(17 * 2**20))", Refusal.TOO_COSTLY),
        ("os.kill(os.getpid(), signal.SIGSEGV)", Refusal.NOT_READABLE),
        ("os.kill(os.getpid(), signal.SIGXCPU)", Refusal.TOO_COSTLY),
    ],
    ids=["garbage", "script", "flood", "crash", "cpu"],
)
async def test_decoder_under_control_of_an_attacker_harms_nobody(code: str, refusal: Refusal) -> None:
    with pytest.raises(ImageRefusedError) as refused:
        await running(code).encode(once(image()), "image/png", [100])
    assert refused.value.refusal is refusal


async def test_process_gets_no_setting_and_cannot_open_files_or_connections_or_use_much_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROME_ACCOUNTS_SIGNING_KEY", "secret")
    looks = f"""
from grome.infrastructure.images.child import limit_resources
limit_resources()
faults = [name for name in os.environ if name.startswith("GROME") or "KEY" in name]
def faulty(do):
    try:
        do()
    except (OSError, MemoryError):
        return
    faults.append(do)
def write():
    with open({str(tmp_path / "new")!r}, "wb") as file:
        file.write(b"x")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
faulty(write)
faulty(lambda: open("/proc/self/environ"))
faulty(lambda: socket.socket())
faulty(lambda: bytearray({2 * MEMORY_BYTES}))
sys.exit(1 if faults else {NOT_READABLE})
"""
    with pytest.raises(ImageRefusedError):
        await running(looks).encode(once(image()), "image/png", [100])


async def test_file_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(Unavailable):
        await running("time.sleep(600)", timeout_s=0.2).encode(once(image()), "image/png", [100])


async def test_process_ends_with_the_request_that_started_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    request = asyncio.create_task(running(code).encode(once(image()), "image/png", [100]))
    await until(lambda: pid_file.exists() and pid_file.read_text() != "")
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert not psutil.pid_exists(int(pid_file.read_text()))


async def test_files_that_wait_are_bounded_and_are_read_only_in_their_turn() -> None:
    begun: list[int] = []
    is_over = asyncio.Event()
    encoder = ImageEncoder()

    async def content(number: int) -> AsyncGenerator[bytes]:
        begun.append(number)
        await is_over.wait()
        yield image()

    tasks = [asyncio.create_task(encoder.encode(content(number), "image/png", [10])) for number in range(MAX_WAITING)]
    await until(lambda: len(begun) == MAX_CONCURRENT)
    with pytest.raises(Unavailable):
        await encoder.encode(content(-1), "image/png", [10])
    for task in tasks[MAX_CONCURRENT:]:
        task.cancel()
    is_over.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [len(one) for one in done[:MAX_CONCURRENT] if isinstance(one, list)] == [1] * MAX_CONCURRENT
    assert begun == list(range(MAX_CONCURRENT))
    assert len(await encoder.encode(once(image()), "image/png", [10])) == 1


def running(code: str, timeout_s: float = 40.0) -> ImageEncoder:
    """Run this code in place of the decoder."""
    imports = "import os, signal, socket, struct, sys, time\nsys.stdin.buffer.read()\n"
    return ImageEncoder((sys.executable, "-c", imports + code), timeout_s)
