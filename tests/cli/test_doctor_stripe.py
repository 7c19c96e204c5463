"""`grome doctor` finds keys of Stripe that do not fit together."""

import asyncio

import msgspec
import pytest

from config.sections.money import StripeSettings
from config.settings import Settings
from grome.cli.findings import find_all
from tests.support.processes import free_port


async def report(settings: Settings, stripe: StripeSettings) -> str:
    findings = await asyncio.to_thread(find_all, msgspec.structs.replace(settings, stripe=stripe))
    return "\n".join(f"{finding.subject}: {finding.text}" for finding in findings)


async def test_doctor_without_a_key_checks_nothing_of_stripe(settings: Settings) -> None:
    assert "Stripe's mode" not in await report(settings, StripeSettings())


@pytest.mark.parametrize(
    ("secret_key", "publishable_key", "finding"),
    [
        ("sk_live_1", "pk_live_1", "a live key in the environment test"),
        ("sk_test_1", "pk_live_1", "not of the test mode, or not set"),
        ("sk_test_1", "pk_test_1", "no answer"),
    ],
)
async def test_doctor_names_what_does_not_fit(
    settings: Settings, secret_key: str, publishable_key: str, finding: str
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    stripe = StripeSettings(secret_key=secret_key, publishable_key=publishable_key, url=url)
    found = await report(settings, stripe)
    assert finding in found
    assert "no secret" in found
