"""Writes the sheets of docs/features/messages.md: every message in every language, as Chromium shows it.

    .venv/bin/python -m docs.messages.shoot [language ...]

Needs the program `chromium`, and fonts of all six scripts.
"""

import subprocess
import sys
from html import escape
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image, ImageChops

from grome.common.languages import Language
from tests.builders.messages import LANGUAGES, Sample, samples

FOLDER: Final = Path(__file__).parent
WIDTH, TALLEST = 2440, 6400
COLOURS: Final = 64
CURRENCIES: Final = {"en": "USD", "ar": "KWD", "ja": "JPY"}
_SHEET: Final = """\
<!doctype html><meta charset="utf-8">
<style>
  body {{ margin: 0; padding: 20px; width: {width}px; box-sizing: border-box; background: #dcd8cf; columns: 6;
    column-gap: 12px; font: 12px/1.4 system-ui, sans-serif; color: #22262b; }}
  figure {{ margin: 0 0 22px; break-inside: avoid; }}
  figcaption {{ padding: 6px 8px; background: #22262b; color: #fff; border-radius: 6px 6px 0 0; }}
  p {{ margin: 0; padding: 5px 8px; background: #fff; border-bottom: 1px solid #dcd8cf; }}
  iframe {{ display: block; width: 100%; border: 0; }}
</style>
{figures}
<script>
  onload = () => {{
    for (const frame of document.querySelectorAll("iframe"))
      frame.style.height = frame.contentDocument.documentElement.offsetHeight + "px";
  }};
</script>
"""


def figure(sample: Sample, language: Language) -> str:
    message = sample.render(language, "Asia/Tokyo" if sample.variant.startswith("to the customer") else "Europe/Berlin")
    direction = "rtl" if language == "ar" else "ltr"
    return (
        f"<figure><figcaption>{escape(str(sample))}</figcaption>"
        f'<p dir="{direction}" lang="{language}"><b>{escape(message.subject)}</b></p>'
        f'<p dir="{direction}" lang="{language}">{escape(message.short)}</p>'
        f'<iframe srcdoc="{escape(message.html)}"></iframe></figure>'
    )


def shoot(language: Language, chromium: str) -> None:
    kinds = samples(currency=CURRENCIES.get(language, "EUR"))
    page = _SHEET.format(width=WIDTH, figures="".join(figure(sample, language) for sample in kinds))
    with TemporaryDirectory() as folder:
        source, shot = Path(folder, "sheet.html"), Path(folder, "sheet.png")
        source.write_text(page)
        subprocess.run(  # noqa: S603 -- our own page
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={shot}",
             f"--window-size={WIDTH},{TALLEST}", "--virtual-time-budget=5000", source.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        with Image.open(shot) as image:
            trimmed(image.convert("RGB")).quantize(COLOURS, Image.Quantize.FASTOCTREE).save(
                FOLDER / f"{language}.png", optimize=True
            )


def trimmed(image: Image.Image) -> Image.Image:
    """Without the empty ground below the last message."""
    ground = Image.new("RGB", image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, ground).getbbox()
    return image.crop((0, 0, image.width, box[3] + 20)) if box else image


def main() -> None:
    chromium = which("chromium")
    if chromium is None:
        sys.exit("The program chromium is needed.")
    for language in LANGUAGES:
        if language in (sys.argv[1:] or LANGUAGES):
            shoot(language, chromium)


if __name__ == "__main__":
    main()
