"""Read the codes that were sent, as their recipients do."""

from typing import Any
from uuid import UUID

from grome.codes.service import Codes
from grome.infrastructure.container import Container


async def code_sent_to(container: Container, address: str) -> str:
    """Return the digits of the newest code for an address."""
    return await digits_of(container, (await newest_code(container, address))["code_id"])


async def digits_of(container: Container, code_id: UUID) -> str:
    found = await container.get(Codes).find_to_send(code_id)
    assert found is not None
    return found[1]


async def newest_code(container: Container, address: str) -> dict[str, Any]:
    found = container.database["codes"].find({"address": address}).sort("created_at", -1).limit(1)
    documents = await found.to_list()
    assert documents, address
    return dict(documents[0])
