"""Files in an S3 bucket, or in anything that speaks S3."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final

import aioboto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError  # type: ignore[import-untyped]
from botocore.exceptions import ConnectionError as NoConnection

from config.sections.servers import StorageSettings
from grome.common.errors import Unavailable
from grome.infrastructure.http.caching import IMMUTABLE
from grome.infrastructure.storage.chunks import CHUNK, chunks_of
from grome.infrastructure.storage.protocol import (
    MissingFileError,
    OpenFile,
    Source,
    UploadForm,
    attachment_disposition,
    checked_key,
)

# S3 takes parts from 5 MiB on and 10,000 of them, so that a file can have 78 GiB.
PART: Final = 2**23
_MISSING: Final = {"NoSuchKey", "404"}
_BUSY: Final = {"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling", "TooManyRequests"}
_FAULT_OF_SERVER: Final = 500
_AWAY: Final = (NoConnection, HTTPClientError, IncompleteReadError)


class S3Storage:
    """The client is opened at the first use, since it looks for credentials, which can take a while."""

    def __init__(self, settings: StorageSettings) -> None:
        self._settings, self._bucket = settings, settings.bucket
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def put(self, key: str, source: Source) -> int:
        client, place = await self._open_client(), self._place(key)
        gathered, size, upload = bytearray(), 0, None
        try:
            async for chunk in chunks_of(source):
                gathered += chunk
                size += len(chunk)
                while len(gathered) >= PART:
                    upload = upload or await _Upload.begin(client, place)
                    await upload.add(bytes(gathered[:PART]))
                    del gathered[:PART]
            if upload is None:
                with _faults():
                    await client.put_object(**place, Body=bytes(gathered))
            else:
                await upload.finish(bytes(gathered))
        except BaseException:
            if upload:
                await upload.abort()
            raise
        return size

    async def put_public(self, key: str, content: bytes, content_type: str) -> None:
        client = await self._open_client()
        served = {"ContentType": content_type, "CacheControl": IMMUTABLE}
        with _faults():
            await client.put_object(**self._place(key), Body=content, **served)

    @asynccontextmanager
    async def open(self, key: str) -> AsyncGenerator[OpenFile]:
        client, place = await self._open_client(), self._place(key)
        with _faults():
            answer = await client.get_object(**place)
        body = answer["Body"]
        async with body:  # `as` would give the bare answer, without the body's own `read`
            yield OpenFile(answer["ContentLength"], _read(body))

    async def exists(self, key: str) -> bool:
        client, place = await self._open_client(), self._place(key)
        try:
            with _faults():
                await client.head_object(**place)
        except MissingFileError:
            return False
        return True

    async def copy(self, source: str, target: str) -> None:
        client = await self._open_client()
        with _faults():
            await client.copy_object(**self._place(target), CopySource=self._place(source))

    async def delete(self, key: str) -> None:
        client, place = await self._open_client(), self._place(key)
        with _faults():
            await client.delete_object(**place)

    async def keys(self, prefix: str) -> AsyncGenerator[str]:
        client = await self._open_client()
        checked_key(prefix.rstrip("/"))
        with _faults():
            async for page in client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield found["Key"]

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        client, place = await self._open_client(), self._place(key)
        answered = {
            "ResponseContentDisposition": attachment_disposition(download_name),
            "ResponseContentType": content_type,
        }
        url: str = await client.generate_presigned_url("get_object", Params={**place, **answered}, ExpiresIn=seconds)
        return url

    async def upload_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        client, fields = await self._open_client(), {"Content-Type": content_type}
        form = await client.generate_presigned_post(
            **self._place(key),
            Fields=fields,
            Conditions=[fields, ["content-length-range", size, size]],
            ExpiresIn=seconds,
        )
        return UploadForm(form["url"], form["fields"])

    async def drop_unfinished(self, before: datetime) -> int:
        client, dropped = await self._open_client(), 0
        with _faults():
            async for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < before:
                        await _Upload(client, self._place(upload["Key"]), upload["UploadId"]).abort()
                        dropped += 1
        return dropped

    async def close(self) -> None:
        await self._stack.aclose()

    async def _open_client(self) -> Any:  # noqa: ANN401 -- made at run time from AWS's description of S3
        async with self._opening:
            if self._client is None:
                self._client = await self._stack.enter_async_context(
                    aioboto3.Session().client(
                        "s3",
                        region_name=self._settings.region,
                        endpoint_url=self._settings.url or None,
                        config=_config(self._settings),
                    )
                )
        return self._client

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": checked_key(key)}


class _Upload:
    """A file in parts, one after the other: S3 shows it when it is finished.

    The library's own keeps up to a hundred parts in memory, and leaves its tasks behind where it is cancelled.
    """

    def __init__(self, client: Any, place: dict[str, str], upload_id: str) -> None:  # noqa: ANN401 -- as above
        self._client, self._place = client, {**place, "UploadId": upload_id}
        self._parts: list[dict[str, Any]] = []

    @classmethod
    async def begin(cls, client: Any, place: dict[str, str]) -> "_Upload":  # noqa: ANN401 -- as above
        with _faults():
            return cls(client, place, (await client.create_multipart_upload(**place))["UploadId"])

    async def add(self, part: bytes) -> None:
        number = len(self._parts) + 1
        with _faults():
            answer = await self._client.upload_part(**self._place, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    async def finish(self, rest: bytes) -> None:
        if rest:
            await self.add(rest)
        with _faults():
            await self._client.complete_multipart_upload(**self._place, MultipartUpload={"Parts": self._parts})

    async def abort(self) -> None:
        """Abort the upload. If S3 is away, `drop_unfinished` removes the upload later."""
        try:
            await self._client.abort_multipart_upload(**self._place)
        except (ClientError, *_AWAY):
            return


def _config(settings: StorageSettings) -> Config:
    return Config(
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        retries={"mode": "standard", "total_max_attempts": 3},
        signature_version="s3v4",
        # Other servers that speak S3 know neither buckets as names of hosts nor checksums behind the body.
        s3={"addressing_style": "path" if settings.url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


async def _read(body: Any) -> AsyncGenerator[bytes]:  # noqa: ANN401 -- as above
    with _faults():
        while chunk := await body.read(CHUNK):
            yield chunk


@contextmanager
def _faults() -> Iterator[None]:
    """Translate faults of S3.

    Faults of access rights or of the bucket's name are raised as they are: a retry cannot help.
    """
    try:
        yield
    except ClientError as error:
        told = error.response
        code, status = told.get("Error", {}).get("Code"), told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _MISSING:
            raise MissingFileError(str(error)) from None
        if code in _BUSY or status >= _FAULT_OF_SERVER:
            raise Unavailable("The storage of files is busy.") from error
        raise
    except _AWAY as error:  # it is not there, too slow, or broke off
        raise Unavailable("The storage of files does not answer.") from error
