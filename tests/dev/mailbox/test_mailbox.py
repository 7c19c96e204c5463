"""The folder that stands in for a mail server, and the page that shows it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from config.settings import Settings
from grome.app import App
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import UndeliverableError
from grome.notifications.delivery import Transports
from grome.notifications.email.folder import MailboxFolder, open_mailbox
from grome.notifications.email.message import MailDeferredError
from tests.builders.mails import mail
from tests.builders.messages import UNSUBSCRIBE, samples
from tests.support.app import ChangedContainer

SENDER = "Grome <no-reply@grome.example>"


@pytest.fixture
def folder(tmp_path: Path) -> MailboxFolder:
    return MailboxFolder(tmp_path / "mailbox", SENDER)


async def test_sent_mail_is_read_unchanged(folder: MailboxFolder) -> None:
    for sample in samples():
        sent = mail(sample=sample, language="ar", unsubscribe=UNSUBSCRIBE)
        await folder.send(sent)
        [line] = await folder.list_newest(1)
        assert (line.to, line.subject, line.at, line.language) == (sent.to, sent.rendered.subject, sent.at, "ar")
        letter = await folder.find(line.name)
        assert letter is not None
        assert letter.line == line
        assert letter.text.splitlines() == sent.rendered.text.splitlines()
        assert letter.html.splitlines() == sent.rendered.html.splitlines()
        assert ("List-Unsubscribe", f"<{UNSUBSCRIBE}>") in letter.headers


async def test_mail_sent_again_is_stored_in_the_same_file(folder: MailboxFolder, tmp_path: Path) -> None:
    sent = mail()
    for _ in range(3):
        await folder.send(sent)
    await folder.send(mail())
    assert len(await folder.list_newest()) == 2
    assert len(list((tmp_path / "mailbox").iterdir())) == 2


async def test_mails_sent_concurrently_are_whole_files_without_duplicates(
    folder: MailboxFolder, tmp_path: Path
) -> None:
    mails = [mail(message_id=f"{number}:mail:7") for number in range(10)]
    await asyncio.gather(*(folder.send(one) for one in mails * 8), *(folder.list_newest() for _ in range(20)))
    lines = await folder.list_newest()
    assert len(lines) == len(list((tmp_path / "mailbox").iterdir())) == 10
    letters = [await folder.find(line.name) for line in lines]
    assert all(letter and letter.html.splitlines() == mails[0].rendered.html.splitlines() for letter in letters)


async def test_unfinished_mail_file_is_not_listed(folder: MailboxFolder, tmp_path: Path) -> None:
    await folder.send(mail())
    (tmp_path / "mailbox" / ".0123").write_bytes(b"From: ha")
    assert len(await folder.list_newest()) == 1


async def test_mail_to_an_invalid_address_is_refused_or_deferred(folder: MailboxFolder) -> None:
    with pytest.raises(UndeliverableError, match="550"):
        await folder.send(mail(to="sam@bounce.invalid"))
    with pytest.raises(MailDeferredError, match="450"):
        await folder.send(mail(to="sam@busy.invalid"))
    assert await folder.list_newest() == []


async def test_mail_list_is_limited_and_newest_first(folder: MailboxFolder) -> None:
    for number in range(5):
        await folder.send(mail(to=f"{number}@example.com"))
        await asyncio.sleep(0.01)
    assert [line.to for line in await folder.list_newest(3)] == ["4@example.com", "3@example.com", "2@example.com"]


@pytest.mark.parametrize("name", ["../keys", "..", "", "a/b", "/etc/passwd", "nobody", "a" * 300, "a\x00b", "é"])
async def test_mail_name_of_another_file_is_not_found(folder: MailboxFolder, tmp_path: Path, name: str) -> None:
    (tmp_path / "keys.eml").write_text("secret")
    await folder.send(mail())
    assert await folder.find(name) is None


@pytest.fixture
def mailbox(container: Container) -> MailboxFolder:
    """The running application's."""
    return open_mailbox(container.settings)


async def test_application_mail_is_stored_in_the_mailbox(container: Container, mailbox: MailboxFolder) -> None:
    sent = mail(to="kim@example.com")
    await container.get(Transports).mailer.send(sent)
    assert "kim@example.com" in {line.to for line in await mailbox.list_newest()}


async def test_mailbox_page_lists_and_shows_mail_with_escaped_text(
    http: httpx.AsyncClient, mailbox: MailboxFolder
) -> None:
    sent = mail(to='a"<script>alert(1)</script>@example.com', language="ar")
    await mailbox.send(sent)
    listed = await http.get("/mailbox/")
    assert listed.status_code == 200
    assert "&lt;script&gt;" in listed.text
    assert "<script" not in listed.text
    [line, *_] = await mailbox.list_newest()
    assert f'href="/mailbox/{line.name}"' in listed.text

    shown = await http.get(f"/mailbox/{line.name}")
    assert sent.rendered.subject in shown.text
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mailbox/{line.name}/html"' in shown.text
    assert "Auto-Submitted" in shown.text
    framed = await http.get(f"/mailbox/{line.name}/html")
    assert framed.text.splitlines() == sent.rendered.html.splitlines()


async def test_mailbox_page_policies_block_scripts_and_foreign_frames(
    http: httpx.AsyncClient, mailbox: MailboxFolder
) -> None:
    """Nothing runs anywhere; the page itself cannot be framed, the mail only by the page."""
    await mailbox.send(mail())
    [line, *_] = await mailbox.list_newest()
    for path in ("/mailbox/", f"/mailbox/{line.name}", f"/mailbox/{line.name}/html"):
        response = await http.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy.replace("allow-scripts", "!script")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        if path.endswith("/html"):
            assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox;")
            assert "frame-ancestors 'self'" in policy
        else:
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy


async def test_mailbox_path_without_a_slash_redirects_to_the_page(http: httpx.AsyncClient) -> None:
    response = await http.get("/mailbox")
    assert (response.status_code, response.headers["location"]) == (303, "/mailbox/")


@pytest.mark.parametrize("name", ["nobody", "..%2Fkeys", "..%2F..%2Fetc%2Fpasswd"])
async def test_mailbox_page_of_an_unknown_mail_is_not_found(http: httpx.AsyncClient, name: str) -> None:
    for path in (f"/mailbox/{name}", f"/mailbox/{name}/html"):
        response = await http.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def _set(settings: Settings, how: str) -> Settings:
    if how == "production":
        return replace(settings, env="production")
    return replace(settings, mail=replace(settings.mail, transport="smtp"))


@pytest.fixture(params=["production", "smtp"])
def elsewhere(request: pytest.FixtureRequest, app: App, container: Container) -> Iterator[None]:
    app.ctx.container = ChangedContainer(container, settings=_set(container.settings, request.param))
    yield
    app.ctx.container = container


@pytest.mark.usefixtures("elsewhere")
async def test_mailbox_page_with_real_mail_delivery_is_not_found(
    http: httpx.AsyncClient, mailbox: MailboxFolder
) -> None:
    await mailbox.send(mail())
    [line, *_] = await mailbox.list_newest()
    for path in ("/mailbox", "/mailbox/", f"/mailbox/{line.name}", f"/mailbox/{line.name}/html"):
        response = await http.get(path)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
