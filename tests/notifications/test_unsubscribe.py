"""One click ends mail about a topic: signed links, a page that changes nothing by being looked at, and no login."""

import base64
import hashlib
import re
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.accounts.models import Topic
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.languages import Language
from grome.infrastructure.container import Container
from grome.notifications.unsubscribe import UnsubscribeLinks
from grome.notifications.unsubscribe_page import TEXTS, render_page
from tests.builders.keys import new_signing_key
from tests.builders.people import Person, register
from tests.notifications.booking_notices import a_visit, choose, moved
from tests.notifications.recorders import Desk

LINKS = UnsubscribeLinks(new_signing_key(), "https://grome.example")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LANGUAGES: tuple[Language, ...] = ("en", "es", "fr", "de", "ar", "ja")


async def topics_off(http: httpx.AsyncClient, person: Person) -> list[str]:
    found: list[str] = (await http.get("/v1/me/preferences", headers=person.auth)).json()["notifications"][
        "no_mail_about"
    ]
    return found


def path_of(container: Container, person: Person, topic: Topic) -> str:
    links = UnsubscribeLinks(container.settings.accounts.signing_key, "")
    return links.url(person.id, topic)


@given(st.uuids(), st.sampled_from(Topic))
def test_a_link_says_whose_it_is_and_about_what(user_id: UUID, topic: Topic) -> None:
    link = LINKS.url(user_id, topic)
    assert link.startswith("https://grome.example/v1/unsubscribe/")
    assert re.fullmatch(r"[\w-]{40,80}", link.rpartition("/")[2])
    assert LINKS.read(link.rpartition("/")[2]) == (user_id, topic)


@given(st.data())
def test_what_we_did_not_write_is_no_link(data: st.DataObject) -> None:
    token = LINKS.token(new_id(), Topic.REVIEWS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJ0123456789_-").filter(lambda letter: letter != token[place]))
    foreign = UnsubscribeLinks(new_signing_key(), "").token(new_id(), Topic.REVIEWS)
    for changed in (token[:place] + other + token[place + 1 :], token[:place], foreign, f"{token}="):
        with pytest.raises(NotFound):
            LINKS.read(changed)


async def test_mail_carries_the_link_and_the_link_ends_the_mail(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    await desk.hear(await moved(http, container, shop.auth, booking, "accept"))
    link = desk.mailbox.mails[-1].unsubscribe
    assert link is not None
    assert link in desk.mailbox.mails[-1].rendered.text
    done = await http.post(link.removeprefix("https://grome.example"), data=ONE_CLICK)
    assert done.status_code == 200
    assert await topics_off(http, customer) == ["bookings"]
    await desk.hear(await moved(http, container, shop.auth, booking, "cancel"))
    assert desk.mailbox.to(customer.email) == ["booking_accepted"]


async def test_looking_changes_nothing(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    path = path_of(container, person, Topic.REVIEWS)
    for _ in range(2):
        shown = await http.get(path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert '<form method="post">' in shown.text
    assert await topics_off(http, person) == []


@pytest.mark.parametrize("form", [{}, {"List-Unsubscribe": "Yes"}, {"list-unsubscribe": "One-Click"}])
async def test_a_post_that_is_no_click_changes_nothing(
    http: httpx.AsyncClient, container: Container, form: dict[str, str]
) -> None:
    person = await register(http)
    path = path_of(container, person, Topic.REVIEWS)
    for response in (await http.post(path, data=form), await http.post(path, json=ONE_CLICK)):
        assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert await topics_off(http, person) == []


async def test_a_click_counts_once_in_either_form_and_the_page_says_so(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    await choose(http, person, language="de")
    path = path_of(container, person, Topic.REVIEWS)
    as_file = {name: (None, value) for name, value in ONE_CLICK.items()}
    answers = [await http.post(path, data=ONE_CLICK), await http.post(path, files=as_file), await http.get(path)]
    for answer in answers:
        assert answer.status_code == 200
        assert "Sie erhalten keine E-Mails mehr über Bewertungen" in answer.text
        assert "<form" not in answer.text
    assert await topics_off(http, person) == ["reviews"]
    await choose(http, person, notifications={"no_mail_about": []})
    assert "<form" in (await http.get(path)).text


async def test_a_link_of_nobody_is_none(http: httpx.AsyncClient, container: Container) -> None:
    links = UnsubscribeLinks(container.settings.accounts.signing_key, "")
    nobodys = links.url(new_id(), Topic.BOOKINGS)
    for path in (nobodys, "/v1/unsubscribe/a", "/v1/unsubscribe/%ff", "/v1/unsubscribe/%C3%A4"):
        for response in (await http.get(path), await http.post(path, data=ONE_CLICK)):
            assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_the_pages_policy_admits_its_style_and_nothing_else(
    http: httpx.AsyncClient, container: Container
) -> None:
    shown = await http.get(path_of(container, await register(http), Topic.BOOKINGS))
    (style,) = re.findall("<style>(.*?)</style>", shown.text, re.DOTALL)
    source = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = shown.headers["content-security-policy"]
    assert f"style-src 'sha256-{source}'" in policy
    assert "default-src 'none'" in policy
    assert "<script" not in shown.text
    assert "script-src" not in policy
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", Topic)
def test_every_language_has_its_page(language: Language, topic: Topic) -> None:
    asked, done = render_page(language, topic, ended=False), render_page(language, topic, ended=True)
    for shown in (asked, done):
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in shown
        assert TEXTS[language].topics[topic] in shown
        assert not re.search(r"[{}]", shown.partition("<body>")[2])
        assert "$" not in shown
    assert TEXTS[language].button in asked.partition("<form")[2]


def test_no_language_says_what_another_says() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    for name in ("question", "button", "ended", "rest"):
        assert len({getattr(texts, name) for texts in TEXTS.values()}) == len(LANGUAGES), name
