"""All spellings of a mailbox or a phone number are one account, and all Unicode forms of a password match."""

import unicodedata
from typing import Any

import bcrypt
import httpx
import pytest

from grome.accounts.service import AccountService
from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, new_email, new_phone, register

_numbers = iter(range(1, 1_000))


async def post(http: httpx.AsyncClient, route: str, **given: Any) -> httpx.Response:
    wanted = {"password": PASSWORD, **({"name": "Ada"} if route == "register" else {}), **given}
    return await http.post(f"/v1/auth/{route}", json=wanted)


def a_label(domain: str) -> str:
    label, _, rest = domain.partition(".")
    return f"xn--{label.encode('punycode').decode()}.{rest}"


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def mailboxes() -> list[tuple[str, str, str]]:
    """An address, the same address in another spelling, and the form that is stored."""
    tag = f"{new_email().partition('@')[0]}-{next(_numbers)}"
    domain = f"müller-{tag}.example"
    return [
        (f"josé-{tag}@example.com", nfd(f"josé-{tag}@example.com"), f"josé-{tag}@example.com"),
        (nfd(f"zoë-{tag}@example.com"), f"ZOË-{tag}@EXAMPLE.com", f"zoë-{tag}@example.com"),
        (f"a-{tag}@{domain}", nfd(f"a-{tag}@{domain}"), f"a-{tag}@{domain}"),
        (f"b-{tag}@{domain}", f"b-{tag}@{a_label(domain)}", f"b-{tag}@{domain}"),
        (f"c-{tag}@{a_label(domain).upper()}", f"c-{tag}@{domain.upper()}", f"c-{tag}@{domain}"),
    ]


async def test_email_spellings_of_one_mailbox_are_one_account(http: httpx.AsyncClient, container: Container) -> None:
    for first, second, stored in mailboxes():
        made = await post(http, "register", email=first)
        assert (made.status_code, made.json()["user"]["email"]) == (201, stored)
        for spelling in (first, second, stored):
            assert (await post(http, "login", email=spelling)).json()["user"]["id"] == made.json()["user"]["id"]
        assert await container.database["users"].count_documents({"email": stored}) == 1
        claimed = await post(http, "register", email=second)
        assert claimed.json()["user"]["email"] == stored
        assert await container.database["users"].count_documents({"claimed_email": stored}) == 1


async def test_domains_with_sharp_s_and_ss_are_different(http: httpx.AsyncClient) -> None:
    tag = new_email().partition("@")[0]
    ids = set()
    for domain in (f"straße-{tag}.example", f"strasse-{tag}.example"):
        made = await post(http, "register", email=f"kim@{domain}")
        assert made.json()["user"]["email"] == f"kim@{domain}"
        ids.add(made.json()["user"]["id"])
    assert len(ids) == 2


async def test_phone_spellings_of_one_number_are_one_account(http: httpx.AsyncClient, container: Container) -> None:
    phone = new_phone()
    with_zero = phone.replace("+49", "+490")
    made = await post(http, "register", phone=with_zero)
    assert made.json()["user"]["phone"] == phone
    for spelling in (phone, with_zero, f"{phone[:3]} (0){phone[3:6]} / {phone[6:]}"):
        assert (await post(http, "login", phone=spelling)).json()["user"]["id"] == made.json()["user"]["id"]
        assert (await post(http, "register", phone=spelling)).json()["user"]["phone"] == phone
    assert await container.database["users"].count_documents({"phone": phone}) == 1
    assert await container.database["users"].count_documents({"claimed_phone": phone}) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"phone": "+99912345678"}, "phone"),
        ({"phone": "+1202555"}, "phone"),
        ({"email": "a@💈.example"}, "email"),
        ({"email": "a\u200bb@example.com"}, "email"),
        ({"name": "\u200b\u0301"}, "name"),
        ({"name": "\u3164"}, "name"),
        ({"device": {"id": "phone", "name": "\u2060"}}, "device.name"),
        ({"password": nfd("üüüü")}, "password"),
    ],
)
async def test_invalid_email_or_phone_is_refused(http: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    response = await post(
        http, "register", **({} if {"email", "phone"} & set(wrong) else {"email": new_email()}), **wrong
    )
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_email_accepted_by_an_earlier_release_still_signs_in(
    http: httpx.AsyncClient, container: Container
) -> None:
    """The migration left two accounts of one mailbox; each signs in by its own spelling."""
    email = f"josé-{new_email()}"
    first, second = await register(http, email=email), await register(http)
    for stored, typed in ((nfd(email), nfd(email)), ("a@💈.example", "A@💈.example")):
        await container.database["users"].update_one({"_id": second.id}, {"$set": {"email": stored}})
        assert (await post(http, "login", email=typed)).json()["user"]["id"] == str(second.id)
        assert (await post(http, "login", email=email)).json()["user"]["id"] == str(first.id)


@pytest.mark.parametrize("typed", ["grüne-tür-7", "mit\u00a0Abstand-ü"])
async def test_password_in_another_unicode_form_matches(http: httpx.AsyncClient, typed: str) -> None:
    for first, second in ((typed, nfd(typed)), (nfd(typed), typed), (typed, typed.replace("\u00a0", " "))):
        person = await register(http, password=first)
        statuses = [
            (await post(http, "login", email=person.email, password=given)).status_code
            for given in (first, second, f"{typed}x")
        ]
        assert statuses == [200, 200, 401]


async def test_password_hashed_without_normalisation_still_matches(
    http: httpx.AsyncClient, container: Container
) -> None:
    person, typed = await register(http), nfd("grüne-tür-7")
    hashed = bcrypt.hashpw(typed.encode(), bcrypt.gensalt(4)).decode()
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"password_hash": hashed}})
    assert (await post(http, "login", email=person.email, password=typed)).status_code == 200


async def test_created_admin_gets_a_normalised_email(container: Container) -> None:
    email = f"josé-{new_email()}"
    assert (await container.get(AccountService).create_admin(nfd(email).upper(), " Boss ", PASSWORD)).email == email
