"""Passkeys with a software authenticator: registration, sign-in, second step, and every way to cheat."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.builders.factors import ORIGIN, add_passkey, answer, challenge, login, passkey_proof, with_tokens
from tests.builders.people import Person, person_of, register
from tests.conftest import AdjustableClock
from tests.support.authenticator import Authenticator


async def begin(http: httpx.AsyncClient) -> dict[str, Any]:
    begun = await http.post("/v1/auth/passkey/begin", json={})
    assert begun.status_code == 200, begun.text
    body: dict[str, Any] = begun.json()
    return body


async def finish(http: httpx.AsyncClient, ceremony: str, credential: dict[str, Any]) -> httpx.Response:
    body = {"ceremony": ceremony, "credential": credential}
    return await http.post("/v1/auth/passkey/finish", json=body)


async def sign_in(http: httpx.AsyncClient, authenticator: Authenticator) -> httpx.Response:
    begun = await begin(http)
    return await finish(http, begun["ceremony"], authenticator.get(begun["options"]))


def refused(response: httpx.Response) -> bool:
    return (response.status_code, response.json()["code"]) == (401, "passkey_refused")


async def register_with_passkey(http: httpx.AsyncClient) -> tuple[Person, Authenticator]:
    person = await register(http)
    authenticator, added = await add_passkey(http, person)
    return with_tokens(person, added["tokens"]), authenticator


async def test_passkey_alone_signs_its_owner_in(http: httpx.AsyncClient) -> None:
    person, authenticator = await register_with_passkey(http)
    begun = await begin(http)
    assert "allowCredentials" not in begun["options"] or begun["options"]["allowCredentials"] == []
    assert begun["options"]["userVerification"] == "required"
    signed_in = await finish(http, begun["ceremony"], authenticator.get(begun["options"]))
    assert signed_in.status_code == 200, signed_in.text
    assert person_of(signed_in.json()).id == person.id
    listed = (await http.get("/v1/me/passkeys", headers=person.auth)).json()["items"]
    assert [(passkey["name"], passkey["last_used_at"] is None) for passkey in listed] == [("My phone", False)]


async def test_first_passkey_comes_with_recovery_codes_and_the_second_without(http: httpx.AsyncClient) -> None:
    person = await register(http)
    _, first = await add_passkey(http, person)
    _, second = await add_passkey(http, person)
    assert (len(first["recovery_codes"]), second["recovery_codes"]) == (10, None)


async def test_login_of_an_account_with_a_passkey_takes_the_passkey_as_second_step(http: httpx.AsyncClient) -> None:
    person, authenticator = await register_with_passkey(http)
    asked = await login(http, person)
    assert (asked.status_code, asked.json()["kinds"]) == (401, ["passkey", "recovery_code"])
    token = asked.json()["challenge"]
    completed = await answer(http, token, passkey=await passkey_proof(http, token, authenticator))
    assert completed.status_code == 200, completed.text


async def test_assertion_with_a_wrong_origin_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    authenticator.origin = "https://grome.example"
    assert refused(await sign_in(http, authenticator))


async def test_assertion_for_another_challenge_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    first, second = await begin(http), await begin(http)
    assert refused(await finish(http, first["ceremony"], authenticator.get(second["options"])))


async def test_repeated_assertion_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    begun = await begin(http)
    credential = authenticator.get(begun["options"])
    answers = await asyncio.gather(*(finish(http, begun["ceremony"], credential) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 4]
    assert refused(await finish(http, begun["ceremony"], credential))


async def test_ceremony_expires_after_five_minutes(http: httpx.AsyncClient, clock: AdjustableClock) -> None:
    _, authenticator = await register_with_passkey(http)
    begun = await begin(http)
    clock.shift = timedelta(minutes=5)
    assert refused(await finish(http, begun["ceremony"], authenticator.get(begun["options"])))


async def test_assertion_by_a_cloned_authenticator_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    assert (await sign_in(http, authenticator)).status_code == 200
    authenticator.counter -= 1
    assert refused(await sign_in(http, authenticator))
    assert (await sign_in(http, authenticator)).status_code == 200, "the count grows again"


async def test_synced_passkey_without_a_count_signs_in_repeatedly(http: httpx.AsyncClient) -> None:
    person = await register(http)
    authenticator, added = await add_passkey(http, person, Authenticator(ORIGIN, synced=True))
    assert added["passkey"]["synced"]
    assert [(await sign_in(http, authenticator)).status_code for _ in range(2)] == [200, 200]


async def test_assertion_without_user_verification_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    authenticator.verifies_user = False
    assert refused(await sign_in(http, authenticator))


async def test_assertion_by_another_key_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    forged = Authenticator(ORIGIN, credential_id=authenticator.credential_id, user_handle=authenticator.user_handle)
    assert refused(await sign_in(http, forged))


async def test_assertion_that_names_another_account_is_refused(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    authenticator.user_handle = (await register(http)).id.bytes
    assert refused(await sign_in(http, authenticator))


async def test_unknown_passkey_is_refused(http: httpx.AsyncClient) -> None:
    assert refused(await sign_in(http, Authenticator(ORIGIN)))


async def test_passkey_of_another_account_does_not_complete_a_login(http: httpx.AsyncClient) -> None:
    (person, _), (_, foreign) = await register_with_passkey(http), await register_with_passkey(http)
    token = await challenge(http, person)
    assert refused(await answer(http, token, passkey=await passkey_proof(http, token, foreign)))


async def test_assertion_for_a_sign_in_does_not_complete_a_login_and_the_other_way(http: httpx.AsyncClient) -> None:
    person, authenticator = await register_with_passkey(http)
    begun, token = await begin(http), await challenge(http, person)
    proof = {"ceremony": begun["ceremony"], "credential": authenticator.get(begun["options"])}
    assert refused(await answer(http, token, passkey=proof))
    proof = await passkey_proof(http, token, authenticator)
    assert refused(await finish(http, proof["ceremony"], proof["credential"]))
    other = await challenge(http, person)
    proof = await passkey_proof(http, token, authenticator)
    assert refused(await answer(http, other, passkey=proof)), "the proof belongs to another challenge"


@pytest.mark.parametrize(
    "response",
    [
        {"clientDataJSON": "AA", "authenticatorData": "AA", "attestationObject": "AA", "signature": "AA"},
        {"clientDataJSON": "e30", "authenticatorData": "_" * 50, "attestationObject": "oA", "signature": "A"},
        {"clientDataJSON": "W10", "authenticatorData": "_" * 5_000, "attestationObject": "gA", "signature": "AAAA"},
    ],
)
async def test_credential_of_other_bytes_is_refused(http: httpx.AsyncClient, response: dict[str, Any]) -> None:
    _, authenticator = await register_with_passkey(http)
    credential_id = base64.urlsafe_b64encode(authenticator.credential_id).rstrip(b"=").decode()
    credential = {"id": credential_id, "rawId": credential_id, "type": "public-key", "response": response}
    assert refused(await finish(http, (await begin(http))["ceremony"], credential))
    person = await register(http)
    begun = (await http.post("/v1/me/passkeys/begin", headers=person.auth)).json()
    body = {"ceremony": begun["ceremony"], "credential": credential, "name": "Broken"}
    added = await http.post("/v1/me/passkeys", json=body, headers=person.auth)
    assert (added.status_code, added.json()["code"]) == (422, "passkey_not_added")


@pytest.mark.parametrize(
    "authenticator", [Authenticator("https://grome.example"), Authenticator(ORIGIN, verifies_user=False)]
)
async def test_registration_with_a_wrong_origin_or_without_verification_is_refused(
    http: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    person = await register(http)
    begun = (await http.post("/v1/me/passkeys/begin", headers=person.auth)).json()
    body = {"ceremony": begun["ceremony"], "credential": authenticator.create(begun["options"]), "name": "Phone"}
    added = await http.post("/v1/me/passkeys", json=body, headers=person.auth)
    assert (added.status_code, added.json()["code"]) == (422, "passkey_not_added")


async def test_registration_answers_the_options_of_the_same_session(http: httpx.AsyncClient) -> None:
    person, other = await register(http), await register(http)
    begun = (await http.post("/v1/me/passkeys/begin", headers=other.auth)).json()
    body = {"ceremony": begun["ceremony"], "credential": Authenticator(ORIGIN).create(begun["options"]), "name": "X"}
    added = await http.post("/v1/me/passkeys", json=body, headers=person.auth)
    assert (added.status_code, added.json()["code"]) == (422, "passkey_not_added")


async def test_passkey_belongs_to_one_account(http: httpx.AsyncClient) -> None:
    _, authenticator = await register_with_passkey(http)
    thief = await register(http)
    begun = (await http.post("/v1/me/passkeys/begin", headers=thief.auth)).json()
    body = {"ceremony": begun["ceremony"], "credential": authenticator.create(begun["options"]), "name": "Mine now"}
    added = await http.post("/v1/me/passkeys", json=body, headers=thief.auth)
    assert (added.status_code, added.json()["code"]) == (422, "passkey_not_added")
    assert (await http.get("/v1/me/passkeys", headers=thief.auth)).json()["items"] == []


async def test_account_has_ten_passkeys_at_most(http: httpx.AsyncClient) -> None:
    person = await register(http)
    waiting = [(await http.post("/v1/me/passkeys/begin", headers=person.auth)).json() for _ in range(12)]
    bodies = [
        {"ceremony": begun["ceremony"], "credential": Authenticator(ORIGIN).create(begun["options"]), "name": "Key"}
        for begun in waiting
    ]
    added = [await http.post("/v1/me/passkeys", json=body, headers=person.auth) for body in bodies]
    assert [answer.status_code for answer in added] == [*[201] * 10, 409, 409]
    again = await http.post("/v1/me/passkeys/begin", headers=person.auth)
    assert (again.status_code, again.json()["code"]) == (409, "too_many_passkeys")


async def test_passkey_is_renamed_and_removed_by_its_owner_only(http: httpx.AsyncClient) -> None:
    person, authenticator = await register_with_passkey(http)
    passkey_id = (await http.get("/v1/me/passkeys", headers=person.auth)).json()["items"][0]["id"]
    path, other = f"/v1/me/passkeys/{passkey_id}", await register(http)
    assert (await http.patch(path, json={"name": "Theirs"}, headers=other.auth)).status_code == 404
    assert (await http.delete(path, headers=other.auth)).status_code == 404
    renamed = await http.patch(path, json={"name": "Key ring"}, headers=person.auth)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Key ring")
    assert (await http.delete(path, headers=person.auth)).status_code == 204
    assert refused(await sign_in(http, authenticator))
    assert (await login(http, person)).status_code == 200, "no factor is left"
