"""One-time codes: bound to purpose, address and account, valid once, for ten minutes and five tries."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from grome.codes.errors import CodeRefused
from grome.codes.models import CODE_LIFE, MAX_TRIES, AddressKind, CodePurpose, CodeTarget, user_slot
from grome.codes.repository import CodeRepository
from grome.codes.service import DIGITS, Codes
from grome.common.errors import TooManyRequests
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.budgets import Budgets
from tests.builders.people import new_email
from tests.conftest import AdjustableClock

VERIFY = CodePurpose.VERIFY_EMAIL
NETWORK = "192.0.2.0/24"


@pytest.fixture
def codes(container: Container) -> Codes:
    return codes_of(container)


def codes_of(container: Container) -> Codes:
    return Codes(CodeRepository(container.database), container.get(Budgets), [b"k" * 32], container.clock)


def target(purpose: CodePurpose = VERIFY, **changed: Any) -> CodeTarget:
    fields: dict[str, Any] = {"kind": AddressKind.EMAIL, "address": new_email(), "user_id": new_id()}
    return CodeTarget(purpose=purpose, **{**fields, **changed})


async def stored_of(container: Container, slot: str) -> dict[str, Any]:
    found = await container.database["codes"].find_one({"_id": slot})
    assert found is not None
    return found


async def digits_of(container: Container, slot: str) -> str:
    """Return the digits that the message to the address holds."""
    found = await codes_of(container).find_to_send((await stored_of(container, slot))["code_id"])
    assert found is not None
    return found[1]


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**DIGITS:0{DIGITS}}"


async def test_code_is_accepted_once_and_for_its_purpose_only(container: Container, codes: Codes) -> None:
    wanted = target()
    slot = await codes.request(wanted, NETWORK)
    digits = await digits_of(container, slot)
    with pytest.raises(CodeRefused):
        await codes.redeem(slot, CodePurpose.RESET_PASSWORD, digits)
    redeemed = await codes.redeem(slot, VERIFY, digits)
    assert (redeemed.user_id, redeemed.address) == (wanted.user_id, wanted.address)
    with pytest.raises(CodeRefused):
        await codes.redeem(slot, VERIFY, digits)


async def test_code_is_refused_after_five_wrong_tries(container: Container, codes: Codes) -> None:
    slot = await codes.request(target(), NETWORK)
    digits = await digits_of(container, slot)
    for _ in range(MAX_TRIES):
        with pytest.raises(CodeRefused):
            await codes.redeem(slot, VERIFY, wrong(digits))
    with pytest.raises(CodeRefused):
        await codes.redeem(slot, VERIFY, digits)


async def test_code_expires_after_ten_minutes(container: Container, codes: Codes, clock: AdjustableClock) -> None:
    slot = await codes.request(target(), NETWORK)
    digits = await digits_of(container, slot)
    clock.shift = CODE_LIFE + timedelta(seconds=1)
    with pytest.raises(CodeRefused):
        await codes.redeem(slot, VERIFY, digits)
    assert await codes.find_to_send((await stored_of(container, slot))["code_id"]) is None


async def test_one_of_twenty_concurrent_redemptions_wins(container: Container, codes: Codes) -> None:
    slot = await codes.request(target(), NETWORK)
    digits = await digits_of(container, slot)
    checked = await asyncio.gather(*(codes.redeem(slot, VERIFY, digits) for _ in range(20)), return_exceptions=True)
    assert len([result for result in checked if not isinstance(result, CodeRefused)]) == 1


async def test_code_of_another_account_or_address_differs(container: Container, codes: Codes) -> None:
    """The digits follow from the code's id and target, so a stored code cannot be moved to another account."""
    slot = await codes.request(target(), NETWORK)
    digits, table = await digits_of(container, slot), container.database["codes"]
    for changed in ({"user_id": new_id()}, {"address": new_email()}):
        await table.update_one({"_id": slot}, {"$set": changed})
        with pytest.raises(CodeRefused):
            await codes.redeem(slot, VERIFY, digits)


async def test_code_without_an_account_is_stored_but_never_sent_nor_accepted(
    container: Container, codes: Codes
) -> None:
    slot = await codes.request(target(CodePurpose.RESET_PASSWORD, user_id=None), NETWORK)
    stored = await stored_of(container, slot)
    assert stored["outbox"] == []
    with pytest.raises(CodeRefused):
        await codes.redeem(slot, CodePurpose.RESET_PASSWORD, await digits_of(container, slot))


async def test_repeated_request_keeps_the_code_for_a_minute(
    container: Container, codes: Codes, clock: AdjustableClock
) -> None:
    """Otherwise anybody could replace the code again and again before its owner has typed it."""
    wanted = target(CodePurpose.RESET_PASSWORD)
    slot = await codes.request(wanted, NETWORK)
    first = (await stored_of(container, slot))["code_id"]
    await codes.request(wanted, NETWORK)
    assert (await stored_of(container, slot))["code_id"] == first
    clock.shift = timedelta(seconds=61)
    await codes.request(wanted, NETWORK)
    assert (await stored_of(container, slot))["code_id"] != first


async def test_code_for_a_corrected_address_replaces_the_code_before(container: Container, codes: Codes) -> None:
    user_id = new_id()
    for _ in range(2):
        wanted = target(user_id=user_id)
        assert await codes.request(wanted, NETWORK) == user_slot(VERIFY, user_id)
    assert (await stored_of(container, user_slot(VERIFY, user_id)))["address"] == wanted.address


async def test_codes_that_are_bound_to_a_request_do_not_replace_each_other(container: Container, codes: Codes) -> None:
    wanted = target(CodePurpose.SIGN_IN)
    slots = [await codes.request(wanted, NETWORK) for _ in range(2)]
    for slot in slots:
        assert UUID(slot)
        await codes.redeem(slot, CodePurpose.SIGN_IN, await digits_of(container, slot))


async def test_requests_from_one_network_are_limited_and_leave_others_theirs(codes: Codes) -> None:
    wanted = target(CodePurpose.RESET_PASSWORD)
    for _ in range(10):
        await codes.request(wanted, NETWORK)
    with pytest.raises(TooManyRequests):
        await codes.request(wanted, NETWORK)
    await codes.request(wanted, "198.51.100.0/24")
