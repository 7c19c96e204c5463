"""A bucket at moto's S3, which checks neither signatures nor policies. All servers of a process share their buckets."""

from collections.abc import AsyncIterator
from uuid import uuid4

import aioboto3
import pytest
from moto.server import ThreadedMotoServer

from config.sections.servers import StorageSettings


@pytest.fixture(scope="module")
async def bucket() -> AsyncIterator[StorageSettings]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    name, url = f"grome-{uuid4().hex}", "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as environ:
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environ.setenv(variable, "testing")
        async with aioboto3.Session().client("s3", region_name="eu-central-1", endpoint_url=url) as client:
            here = {"LocationConstraint": "eu-central-1"}
            await client.create_bucket(Bucket=name, CreateBucketConfiguration=here)
        yield StorageSettings(kind="s3", bucket=name, url=url, timeout_s=5)
    server.stop()
