"""Portfolios over HTTP, in a folder and in a bucket: three public sizes, and no file of a removed photo."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aioboto3
import httpx
import pytest

from config.sections.servers import StorageSettings
from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from grome.infrastructure.storage.protocol import Storage
from grome.photos.models import portfolio_id_of
from grome.photos.service import PhotoService
from grome.uploads.models import UNNEEDED_LIFE, Purpose
from grome.uploads.service import UploadService
from tests.builders.barbers import Barber, barber
from tests.builders.images import image, png_bomb, read_image
from tests.builders.people import register
from tests.builders.uploads import upload
from tests.conftest import AdjustableClock

PLACE = b"GPS 52.5200N 13.4050E"
SCRIPT = b"<script>alert(1)</script>"


async def photo(http: httpx.AsyncClient, shop: Barber, content: bytes | None = None) -> str:
    content_type = "image/jpeg" if content else "image/png"
    sent = content or image()
    return str(await upload(http, shop.person, sent, purpose="photo", content_type=content_type))


async def put(http: httpx.AsyncClient, shop: Barber, *photos: str, picture: str | None = None) -> httpx.Response:
    return await http.put("/v1/barbers/me/photos", json={"photos": list(photos), "picture": picture}, headers=shop.auth)


async def portfolio(http: httpx.AsyncClient, shop: Barber, *photos: str, picture: str | None = None) -> dict[str, Any]:
    response = await put(http, shop, *photos, picture=picture)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert (await http.get(f"/v1/barbers/{shop.id}/photos")).json() == found
    return found


async def keys_of(container: Container) -> set[str]:
    return {key async for key in container.get(Storage).keys("photos/")}


async def fetch(http: httpx.AsyncClient, size: dict[str, Any], **headers: str) -> httpx.Response:
    return await http.get(urlsplit(size["url"]).path, headers=headers)


async def test_photos_are_public_in_three_sizes_and_cacheable_for_good(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container)
    first = await photo(http, shop, image("image/jpeg", (2000, 1000), comment=PLACE) + SCRIPT)
    found = await portfolio(http, shop, first, picture=await photo(http, shop, image("image/jpeg", (2000, 1000))))
    for one in (found["photos"][0], found["picture"]):
        sizes = [(one[name]["width"], one[name]["height"]) for name in ("large", "medium", "small")]
        assert sizes == [(1600, 800), (640, 320), (160, 80)]
        for name, size in zip(("large", "medium", "small"), sizes, strict=True):
            got = await fetch(http, one[name])
            assert (got.status_code, got.headers["content-type"]) == (200, "image/jpeg")
            assert read_image(got.content).size == size
            assert PLACE not in got.content
            assert SCRIPT not in got.content
            assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert got.headers["x-content-type-options"] == "nosniff"
            again = await fetch(http, one[name], **{"If-None-Match": got.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            head = await http.head(urlsplit(one[name]["url"]).path)
            assert (head.status_code, head.headers["content-length"]) == (200, str(len(got.content)))


async def test_portfolio_is_replaced_in_order_and_files_of_removed_photos_are_deleted(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    before = await keys_of(container)
    shop = await barber(http, container)
    a, b, c = [await photo(http, shop) for _ in range(3)]
    found = await portfolio(http, shop, a, b, picture=a)
    assert [one["id"] for one in found["photos"]] == [a, b]
    assert await portfolio(http, shop, a, b, picture=a) == found
    found = await portfolio(http, shop, c, a)
    assert ([one["id"] for one in found["photos"]], found["picture"]) == ([c, a], None)
    assert len(await keys_of(container) - before) == 2 * 3
    refused = await put(http, shop, b)  # its file is gone
    assert (refused.status_code, refused.json()["code"]) == (422, "upload_refused")

    # After an interruption between the write and the deletion, the cron entry goes on.
    await portfolio(http, shop)
    assert await keys_of(container) == before
    d = await photo(http, shop)
    await portfolio(http, shop, d)
    left = {"$set": {"photos": [], "removed": [UUID(d)]}, "$inc": {"version": 1}}
    await container.database["portfolios"].update_one({"_id": shop.person.id}, left)
    # The same for a photo that was claimed, and never became part of the portfolio.
    lost, actor = UUID(await photo(http, shop)), Actor(shop.person.id, Role.BARBER, uuid4())
    await container.get(UploadService).claim(actor, [lost], Purpose.PHOTO, portfolio_id_of(shop.person.id))
    await container.get(PhotoService).tidy()
    assert len(await keys_of(container) - before) == 2 * 3
    clock.shift = UNNEEDED_LIFE + timedelta(minutes=5)
    await container.get(PhotoService).tidy()
    assert await keys_of(container) == before
    stored = await container.database["portfolios"].find_one({"_id": shop.person.id})
    assert stored is not None
    assert (stored["removed"], stored["tidy_at"]) == ([], None)


async def test_concurrent_changes_leave_one_portfolio_and_its_files_only(
    http: httpx.AsyncClient, container: Container
) -> None:
    before = await keys_of(container)
    shop = await barber(http, container)
    made = [await photo(http, shop) for _ in range(4)]
    answers = await asyncio.gather(*(put(http, shop, one) for one in made))
    assert {answer.status_code for answer in answers} <= {200, 503}
    found = (await http.get("/v1/barbers/me/photos", headers=shop.auth)).json()["photos"]
    assert len(found) == 1
    assert len(await keys_of(container) - before) == 3
    assert (await fetch(http, found[0]["large"])).status_code == 200


async def test_portfolio_takes_only_own_photos_of_the_purpose_and_twenty_at_most(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, other = await barber(http, container), await barber(http, container)
    for wrong in (
        str(uuid4()),
        await photo(http, other),
        str(await upload(http, shop.person, image(), purpose="message")),
        str(await upload(http, shop.person, png_bomb(20_000, 20_000), purpose="photo")),
        str(await upload(http, shop.person, b"\x89PNG\r\n\x1a\n" + SCRIPT * 9, purpose="photo")),
    ):
        refused = await put(http, shop, wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "upload_refused")
    same = await photo(http, shop)
    for wrong_list in ([same, same], [str(uuid4()) for _ in range(21)]):
        assert (await put(http, shop, *wrong_list)).status_code == 422
    assert await portfolio(http, shop) == {"picture": None, "photos": []}
    without_profile = Barber(await register(http, role="barber"), [])
    assert (await put(http, without_profile)).json()["code"] == "profile_missing"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/photos/../uploads/x.jpg",
        "/v1/photos/..%2fuploads/x.jpg",
        "/v1/photos/%2e%2e/1600.jpg",
        "/v1/photos/0123456789abcdef0123456789abcdef-1/..%2f..%2fx.jpg",
        "/v1/photos/0123456789abcdef0123456789abcdef-1/1600.jpg",
        "/v1/photos/0123456789abcdef0123456789abcdef-1/1600.jpg%00.png",
        "/v1/photos/0123456789ABCDEF0123456789ABCDEF-1/1600.jpg",
        "/v1/photos/x/y",
    ],
)
async def test_address_outside_the_photos_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


async def test_bucket_keeps_type_and_caching_for_caches_before_it(
    http: httpx.AsyncClient,
    container: Container,
    bucket: StorageSettings,
) -> None:
    if container.settings.storage.kind != "s3":
        return
    shop = await barber(http, container)
    found = await portfolio(http, shop, await photo(http, shop))
    key = urlsplit(found["photos"][0]["small"]["url"]).path.removeprefix("/v1/")
    async with aioboto3.Session().client("s3", region_name=bucket.region, endpoint_url=bucket.url) as client:
        served = await client.head_object(Bucket=bucket.bucket, Key=key)
    assert served["ContentType"] == "image/jpeg"
    assert "immutable" in served["CacheControl"]
