"""Personal values in the audit trail: sealed for the database, and erased with the key of their person."""

import httpx

from grome.audit.service import AuditTrail
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import encode_bson
from grome.infrastructure.person_keys.service import PersonKeys
from tests.builders.audit import ADDRESS, account_event, verify
from tests.builders.people import Person, create_admin


async def listed(http: httpx.AsyncClient, admin: Person, **query: str) -> list[dict[str, object]]:
    answer = await http.get("/v1/admin/audit", params=query, headers=admin.auth)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_personal_values_are_sealed_in_the_database_and_readable_to_admins(
    http: httpx.AsyncClient, empty_trail: Container
) -> None:
    admin, person = await create_admin(http, empty_trail), new_id()
    event = account_event(empty_trail, person, actor=admin.id, name="Ada Vogel-Brandt")
    await empty_trail.get(AuditTrail).handle([event])
    (stored,) = await empty_trail.database.audit.find().to_list()
    assert all(value not in encode_bson(stored) for value in (ADDRESS.encode(), b"Vogel"))
    (record,) = await listed(http, admin, person_id=str(person))
    assert record["reason"] == "Ada Vogel-Brandt shouts"
    origin = record["origin"]
    assert isinstance(origin, dict)
    assert (origin["address"], origin["request_id"]) == (ADDRESS, "request-1")
    assert record["changes"] == [
        {"field": "name", "before": "Ada", "after": "Ada Vogel-Brandt", "is_personal": True},
        {"field": "suspended", "before": False, "after": True, "is_personal": False},
    ]


async def test_destroyed_key_erases_its_persons_values_and_leaves_the_chain_valid(
    http: httpx.AsyncClient, empty_trail: Container
) -> None:
    admin, person = await create_admin(http, empty_trail), new_id()
    trail, keys = empty_trail.get(AuditTrail), empty_trail.get(PersonKeys)
    await trail.handle([account_event(empty_trail, person, actor=admin.id)])
    await keys.destroy(person)
    await trail.handle([account_event(empty_trail, person)])  # an event after the deletion
    later, earlier = await listed(http, admin, subject_id=str(person))
    for record in (later, earlier):
        assert record["reason"] == ""
        assert {"field": "name", "before": None, "after": None, "is_personal": True} in record["changes"]  # type: ignore[operator]
    addresses = [record["origin"]["address"] for record in (later, earlier)]  # type: ignore[index]
    assert addresses == [None, ADDRESS]  # the admin's own address stays
    assert (await verify(empty_trail)).flaws == 0


async def test_audit_search_by_actor_type_person_and_time_lists_matching_records(
    http: httpx.AsyncClient, empty_trail: Container
) -> None:
    admin, person, actor = await create_admin(http, empty_trail), new_id(), new_id()
    trail = empty_trail.get(AuditTrail)
    by_other, own = account_event(empty_trail, person, actor=actor), account_event(empty_trail, person)
    await trail.handle([by_other, own, account_event(empty_trail, new_id())])

    async def found(**query: str) -> list[object]:
        return [record["id"] for record in await listed(http, admin, **query)]

    assert await found(actor_id=str(actor)) == [str(by_other.id)]
    assert set(await found(person_id=str(person))) == {str(by_other.id), str(own.id)}
    assert len(await found(type="account.suspended")) == 3
    assert await found(type="account.restored") == []
    assert await found(person_id=str(person), until=by_other.at.isoformat()) == []
    assert len(await found(person_id=str(person), since=by_other.at.isoformat())) == 2
