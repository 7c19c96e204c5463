"""Test unsubscribing by one click: signed links, a page without side effects, and no login."""

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
from grome.infrastructure.secret_keys import SecretKeys
from grome.notifications.unsubscribe import UnsubscribeLink, UnsubscribeLinks
from grome.notifications.unsubscribe_page import TEXTS, render_page
from tests.builders.keys import secret_keys
from tests.builders.people import Person, register
from tests.notifications.booking_notices import perform, request_visit, set_preferences
from tests.notifications.recorders import Pipeline

LINKS = UnsubscribeLinks(secret_keys(), "https://grome.example")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LANGUAGES: tuple[Language, ...] = ("en", "es", "fr", "de", "ar", "ja")


async def topics_off(http: httpx.AsyncClient, person: Person) -> list[str]:
    found: list[str] = (await http.get("/v1/me/preferences", headers=person.auth)).json()["notifications"][
        "no_mail_about"
    ]
    return found


def path_of(container: Container, person: Person, topic: Topic) -> str:
    links = UnsubscribeLinks(container.get(SecretKeys), "")
    return links.url(person.id, topic)


@given(st.uuids(), st.sampled_from(Topic))
def test_link_contains_user_and_topic(user_id: UUID, topic: Topic) -> None:
    link = LINKS.url(user_id, topic)
    assert link.startswith("https://grome.example/v1/unsubscribe/")
    assert re.fullmatch(r"[\w-]+\.[\w-]{43}", link.rpartition("/")[2])
    assert LINKS.read(link.rpartition("/")[2]) == UnsubscribeLink(user_id, topic)


@given(st.uuids(), st.data())
def test_altered_link_is_refused(user_id: UUID, data: st.DataObject) -> None:
    token = LINKS.token(user_id, Topic.REVIEWS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJ0123456789_-").filter(lambda letter: letter != token[place]))
    foreign = UnsubscribeLinks(secret_keys(), "").token(new_id(), Topic.REVIEWS)
    for changed in (token[:place] + other + token[place + 1 :], token[:place], foreign, f"{token}="):
        with pytest.raises(NotFound):
            LINKS.read(changed)


async def test_unsubscribe_link_of_a_mail_stops_its_topic(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    await pipeline.handle(await perform(http, container, shop.auth, booking, "accept"))
    link = pipeline.mailbox.mails[-1].unsubscribe
    assert link is not None
    assert link in pipeline.mailbox.mails[-1].rendered.text
    done = await http.post(link.removeprefix("https://grome.example"), data=ONE_CLICK)
    assert done.status_code == 200
    assert await topics_off(http, customer) == ["bookings"]
    await pipeline.handle(await perform(http, container, shop.auth, booking, "cancel"))
    assert pipeline.mailbox.kinds_to(customer.email) == ["booking_accepted"]


async def test_unsubscribe_page_changes_nothing(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    path = path_of(container, person, Topic.REVIEWS)
    for _ in range(2):
        shown = await http.get(path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert '<form method="post">' in shown.text
    assert await topics_off(http, person) == []


@pytest.mark.parametrize("form", [{}, {"List-Unsubscribe": "Yes"}, {"list-unsubscribe": "One-Click"}])
async def test_post_without_the_button_field_changes_nothing(
    http: httpx.AsyncClient, container: Container, form: dict[str, str]
) -> None:
    person = await register(http)
    path = path_of(container, person, Topic.REVIEWS)
    for response in (await http.post(path, data=form), await http.post(path, json=ONE_CLICK)):
        assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert await topics_off(http, person) == []


async def test_click_in_either_form_unsubscribes_once(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    await set_preferences(http, person, language="de")
    path = path_of(container, person, Topic.REVIEWS)
    as_file = {name: (None, value) for name, value in ONE_CLICK.items()}
    answers = [await http.post(path, data=ONE_CLICK), await http.post(path, files=as_file), await http.get(path)]
    for answer in answers:
        assert answer.status_code == 200
        assert "Sie erhalten keine E-Mails mehr über Bewertungen" in answer.text
        assert "<form" not in answer.text
    assert await topics_off(http, person) == ["reviews"]
    await set_preferences(http, person, notifications={"no_mail_about": []})
    assert "<form" in (await http.get(path)).text


async def test_unknown_link_is_not_found(http: httpx.AsyncClient, container: Container) -> None:
    links = UnsubscribeLinks(container.get(SecretKeys), "")
    nobodys = links.url(new_id(), Topic.BOOKINGS)
    for path in (nobodys, "/v1/unsubscribe/a", "/v1/unsubscribe/%ff", "/v1/unsubscribe/%C3%A4"):
        for response in (await http.get(path), await http.post(path, data=ONE_CLICK)):
            assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_page_policy_allows_its_style_only(http: httpx.AsyncClient, container: Container) -> None:
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
def test_page_is_in_every_language(language: Language, topic: Topic) -> None:
    asked, done = render_page(language, topic, ended=False), render_page(language, topic, ended=True)
    for shown in (asked, done):
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in shown
        assert TEXTS[language].topics[topic] in shown
        assert not re.search(r"[{}]", shown.partition("<body>")[2])
        assert "$" not in shown
    assert TEXTS[language].button in asked.partition("<form")[2]


def test_page_texts_differ_by_language() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    for name in ("question", "button", "ended", "rest"):
        assert len({getattr(texts, name) for texts in TEXTS.values()}) == len(LANGUAGES), name
