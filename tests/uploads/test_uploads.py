"""Files that clients upload, in a folder and in a bucket, from the form to the link."""

import asyncio
import base64
import json
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import httpx
import pytest

from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from grome.infrastructure.storage.protocol import Storage
from grome.uploads.errors import UploadRefused
from grome.uploads.models import MAX_UNCLAIMED, UNCLAIMED_LIFE, Purpose, Upload
from grome.uploads.service import UPLOAD_BUDGET, UploadService
from tests.builders.images import FORMATS, image, pdf, png_bomb, read_image
from tests.builders.people import Person, register
from tests.builders.uploads import PNG, announce, here, is_re_encoded, send_form, upload
from tests.conftest import AdjustableClock

TYPES: Final = {**{content_type: image(content_type) for content_type in FORMATS}, "application/pdf": pdf()}


@pytest.fixture
def uploads(container: Container) -> UploadService:
    return container.get(UploadService)


@pytest.fixture
def storage(container: Container) -> Storage:
    return container.get(Storage)


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await register(http)


def actor(person: Person) -> Actor:
    return Actor(person.id, Role.CUSTOMER, uuid4())


async def claim(uploads: UploadService, person: Person, *ids: UUID, used_by: UUID | None = None) -> list[Upload]:
    return await uploads.claim(actor(person), ids, Purpose.MESSAGE, used_by or uuid4())


async def download(http: httpx.AsyncClient, uploads: UploadService, upload: Upload) -> httpx.Response:
    return await http.get(here(await uploads.link(upload)))


async def files_of(storage: Storage, upload_id: UUID) -> set[str]:
    return {
        key
        for prefix in ("incoming/", "uploads/", "photos/")
        async for key in storage.keys(prefix)
        if upload_id.hex in key
    }


async def refusal_of(uploads: UploadService, person: Person, *ids: UUID) -> tuple[str, str]:
    """Return the id and the reason that a refused claim names."""
    with pytest.raises(UploadRefused) as refused:
        await claim(uploads, person, *ids)
    assert len(refused.value.faults) == 1
    return refused.value.faults[0]


async def test_claimed_upload_is_downloadable_and_used_once(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    first, second, message = await upload(http, person), await upload(http, person), uuid4()
    claimed = await claim(uploads, person, second, first, second, used_by=message)
    assert [one.id for one in claimed] == [second, first]
    assert await claim(uploads, person, second, first, second, used_by=message) == claimed
    assert await uploads.find_many([first, second]) == {one.id: one for one in claimed}
    answer = await download(http, uploads, claimed[0])
    assert answer.status_code == 200
    assert is_re_encoded(answer.content)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "message.jpg" in answer.headers["content-disposition"]
    assert await files_of(storage, first) == {claimed[1].file_key}

    assert await refusal_of(uploads, person, first) == (str(first), "is used already")
    await uploads.discard(message)
    assert await files_of(storage, first) == await files_of(storage, second) == set()
    assert await uploads.find_many([first, second]) == {}


async def test_claim_of_a_verification_takes_each_type_with_its_own_content(
    http: httpx.AsyncClient, uploads: UploadService, person: Person
) -> None:
    for content_type, content in TYPES.items():
        announced = {"purpose": "verification", "content_type": content_type}
        made = await upload(http, person, content, **announced)
        (claimed,) = await uploads.claim(actor(person), [made], Purpose.VERIFICATION, uuid4())
        assert read_image((await download(http, uploads, claimed)).content).format == "JPEG"
        for other in TYPES.keys() - {content_type}:
            made = await upload(http, person, TYPES[other], **announced)
            with pytest.raises(UploadRefused, match=f"{made} has a file that is not {content_type}"):
                await uploads.claim(actor(person), [made], Purpose.VERIFICATION, uuid4())


async def test_claimed_file_has_neither_metadata_nor_appended_bytes(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    script, place = b"<script>alert(1)</script>", b"GPS 52.5200N 13.4050E"
    sent = image("image/jpeg", comment=place) + script
    made = await upload(http, person, sent, content_type="image/jpeg")
    (claimed,) = await claim(uploads, person, made)
    got = (await download(http, uploads, claimed)).content
    assert is_re_encoded(got, sent)
    assert script not in got
    assert place not in got
    assert await files_of(storage, made) == {claimed.file_key}


async def test_unreadable_and_exploding_files_are_refused_and_leave_nothing(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    for content, reason in (
        (PNG[:100] + b"<html>" * 100, "cannot be read"),
        (png_bomb(30_000, 30_000), "more than 40000000 pixels"),
    ):
        made = await upload(http, person, content)
        assert reason in (await refusal_of(uploads, person, made))[1]
        assert not await files_of(storage, made) - {f"incoming/{made.hex}"}


async def test_refused_claim_names_the_upload_and_claims_none(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person, clock: AdjustableClock
) -> None:
    good, other = await upload(http, person), await register(http)
    empty = UUID((await announce(http, person))["id"])
    faulty = {
        uuid4(): "does not exist, or is not yours",
        await upload(http, other): "does not exist, or is not yours",
        await upload(http, person, purpose="photo"): "is for photo, not for message",
        empty: "has no file yet",
        await upload(http, person, sent=b"<html>".ljust(len(PNG))): "has a file that is not image/png",
    }
    for upload_id, reason in faulty.items():
        assert await refusal_of(uploads, person, good, upload_id) == (str(upload_id), reason)
        assert not any(key.startswith("uploads/") for key in await files_of(storage, upload_id))
    clock.shift = UNCLAIMED_LIFE
    assert await refusal_of(uploads, person, good) == (str(good), "has expired")
    clock.shift = timedelta()
    assert len(await claim(uploads, person, good)) == 1


async def test_claim_compares_the_stored_size_with_the_announced_size(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    """A bucket that ignores the form's limits must not get a larger file into a message."""
    announced = await announce(http, person, len(PNG) - 1)
    made, sent = UUID(announced["id"]), await send_form(http, announced)
    if "token" in announced["fields"]:
        assert (sent.status_code, sent.json()["code"]) == (413, "body_too_large")
        assert await refusal_of(uploads, person, made) == (str(made), "has no file yet")
    else:
        assert await refusal_of(uploads, person, made) == (
            str(made),
            f"has a file of {len(PNG)} bytes, not of {len(PNG) - 1}",
        )
    assert not any(key.startswith("uploads/") for key in await files_of(storage, made))


async def test_form_states_key_type_size_and_expiry(http: httpx.AsyncClient, person: Person) -> None:
    """Of a bucket by the policy, which S3 checks and moto does not."""
    announced = await announce(http, person)
    if "policy" not in announced["fields"]:  # a form of the folder, tested in test_forms.py
        assert announced["fields"].keys() == {"Content-Type", "token"}
        return
    policy = json.loads(base64.b64decode(announced["fields"]["policy"]))
    for condition in (
        {"key": f"incoming/{UUID(announced['id']).hex}"},
        {"Content-Type": "image/png"},
        ["content-length-range", len(PNG), len(PNG)],
    ):
        assert condition in policy["conditions"]
    expires_at = datetime.fromisoformat(announced["form_expires_at"])
    assert abs(datetime.fromisoformat(policy["expiration"]) - expires_at) < timedelta(minutes=1)


async def test_concurrent_claims_give_the_upload_to_one_message(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    made, messages = await upload(http, person), [uuid4() for _ in range(4)]
    tries = [claim(uploads, person, made, used_by=message) for message in messages for _ in range(2)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    won = [one[0] for one in results if isinstance(one, list)]
    assert 1 <= len(won) <= 2
    assert len({one.used_by for one in won}) == 1
    assert all(isinstance(one, list | UploadRefused) for one in results)
    assert await files_of(storage, made) == {won[0].file_key}
    assert is_re_encoded((await download(http, uploads, won[0])).content)


async def test_form_sent_again_after_the_claim_does_not_change_the_file(
    http: httpx.AsyncClient, uploads: UploadService, storage: Storage, person: Person
) -> None:
    announced = await announce(http, person)
    made = UUID(announced["id"])
    await send_form(http, announced)
    (claimed,) = await claim(uploads, person, made)
    assert (await send_form(http, announced, b"<html>".ljust(len(PNG)))).status_code == 204
    assert is_re_encoded((await download(http, uploads, claimed)).content)
    await uploads.remove_unused()
    assert await files_of(storage, made) == {claimed.file_key}


async def test_unused_uploads_are_bounded_and_removed_with_their_files(
    http: httpx.AsyncClient,
    container: Container,
    uploads: UploadService,
    storage: Storage,
    person: Person,
    clock: AdjustableClock,
) -> None:
    made = [await upload(http, person) for _ in range(2)]
    for _ in range(MAX_UNCLAIMED - len(made)):
        await announce(http, person)
    wanted = {"purpose": "message", "content_type": "image/png", "size": 1}
    refused = await http.post("/v1/uploads", json=wanted, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    (used,) = await claim(uploads, person, made[0])
    await announce(http, person)  # in the slot of the used upload

    clock.shift = UNCLAIMED_LIFE - timedelta(minutes=5)
    await uploads.remove_unused()
    assert await files_of(storage, made[1])
    clock.shift = UNCLAIMED_LIFE + timedelta(seconds=1)
    await uploads.remove_unused()
    assert await files_of(storage, made[1]) == set()
    assert await files_of(storage, made[0]) == {used.file_key}
    left = await container.database["uploads"].distinct("_id", {"owner_id": person.id})
    assert left == [made[0]]


async def test_uploads_of_a_day_have_a_budget(http: httpx.AsyncClient, container: Container, person: Person) -> None:
    await announce(http, person)
    await container.database["budgets"].update_many(
        {"_id": {"$regex": f"^{UPLOAD_BUDGET.kind}:"}}, {"$set": {"used": UPLOAD_BUDGET.limit}}
    )
    wanted = {"purpose": "message", "content_type": "image/png", "size": 1}
    refused = await http.post("/v1/uploads", json=wanted, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"content_type": "application/pdf"}, "content_type"),
        ({"content_type": "image/svg+xml"}, "content_type"),
        ({"purpose": "avatar"}, "purpose"),
        ({"size": 0}, "size"),
        ({"size": 10 * 2**20 + 1}, "size"),
        ({"size": 20 * 2**20 + 1, "purpose": "verification"}, "size"),
        ({"size": 10 * 2**20 + 1, "content_type": "application/pdf"}, "content_type size"),
    ],
)
async def test_upload_of_an_excluded_type_or_size_is_refused(
    http: httpx.AsyncClient, person: Person, changed: dict[str, object], fields: str
) -> None:
    wanted = {"purpose": "message", "content_type": "image/png", "size": 5, **changed}
    refused = await http.post("/v1/uploads", json=wanted, headers=person.auth)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["errors"]] == fields.split()
