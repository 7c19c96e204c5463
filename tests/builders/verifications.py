"""Submit documents and decide about them through the API."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.images import image, pdf
from tests.builders.people import Person, create_admin
from tests.builders.uploads import upload

OWN = "/v1/barbers/me/verification"
QUEUE = "/v1/admin/verifications"


async def upload_document(http: httpx.AsyncClient, person: Person, *, is_pdf: bool = False) -> str:
    content, content_type = (pdf(), "application/pdf") if is_pdf else (image(), "image/png")
    made = await upload(http, person, content, purpose="verification", content_type=content_type)
    return str(made)


async def submit(http: httpx.AsyncClient, person: Person, id_doc: str, *certificates: str) -> httpx.Response:
    wanted = {"id_doc": id_doc, "certificates": list(certificates)}
    return await http.put(OWN, json=wanted, headers=person.auth)


@dataclass(frozen=True)
class Case:
    """A barber with two pending documents, and an admin."""

    shop: Barber
    admin: Person
    documents: list[str]

    @property
    def path(self) -> str:
        return f"{QUEUE}/{self.shop.id}"

    @property
    def ids(self) -> set[UUID]:
        return {UUID(one) for one in self.documents}

    async def decide(self, http: httpx.AsyncClient, action: str, **body: Any) -> httpx.Response:
        return await http.post(f"{self.path}/{action}", json=body, headers=self.admin.auth)

    async def decided(self, http: httpx.AsyncClient, action: str, **body: Any) -> dict[str, Any]:
        response = await self.decide(http, action, **body)
        assert response.status_code == 200, response.text
        details: dict[str, Any] = response.json()
        return details


async def submitted(http: httpx.AsyncClient, container: Container, **profile: Any) -> Case:
    shop = await barber(http, container, **profile)
    documents = [await upload_document(http, shop.person), await upload_document(http, shop.person, is_pdf=True)]
    response = await submit(http, shop.person, *documents)
    assert response.status_code == 200, response.text
    return Case(shop, await create_admin(http, container), documents)
