"""Every operation once as it is meant: its answer is the one that the OpenAPI document describes."""

from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import schemathesis

from grome.accounts.verifier import Verifier
from grome.app import document
from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.realtime.tickets import Tickets
from tests.api.account_story import tell_account
from tests.api.factor_story import tell_factors
from tests.api.payment_story import tell_payments
from tests.api.story import BY_NAME, Story
from tests.builders.barbers import ALWAYS_OPEN, EAGER
from tests.builders.barbers import barber as a_barber
from tests.builders.bookings import changed, tomorrow
from tests.builders.calendars import token_of
from tests.builders.jobs import discard_job
from tests.builders.people import PASSWORD, create_admin, new_email, new_phone, register, sign_in_again
from tests.builders.uploads import upload
from tests.builders.verifications import upload_document
from tests.support.stripe import StripeControl

SCHEMA = schemathesis.openapi.from_dict(document())
DEVICE = str(uuid4())


@pytest.fixture
async def story(http: httpx.AsyncClient, container: Container, control: StripeControl) -> Story:
    told = Story(http)
    boss = (await create_admin(http, container)).auth
    service_id = await _catalogue(told, boss)
    barber_id, barber = await _barber(told, service_id)
    await _openings(told, barber)
    customer, done = await _visits(told, container, barber_id, barber, service_id)
    await _chat(told, boss, customer, barber, done)
    await _calendar(told, barber)
    await _other_ways_to_book(told, customer, barber_id, service_id)
    await _waitlist(told, barber_id, barber, customer, service_id)
    await _walk_ins(told, barber_id, barber, customer, service_id)
    await _messages(told, barber)
    await _report(told, barber)
    await _export(told, barber)
    await _webhooks(told, barber)
    await _promos(told, boss, "", service_id)
    await _promos(told, barber, "own_", service_id)
    await tell_payments(told, container, control, boss)
    await told.ask("create_upload", customer, json={"purpose": "message", "content_type": "image/png", "size": 5})
    await tell_account(told, container)
    await tell_factors(told, container)
    await _verification(told, container, boss)
    await _live(told, container, customer)
    await told.ask("remove_profile", barber)
    await _jobs(told, container, boss)
    await _sessions(told)
    await _people(told, boss)
    for name in ("live", "ready", "jwks", "well_known_jwks"):
        await told.ask(name)
    await told.ask("list_audit", boss)
    await told.ask("read_metrics", boss)
    await told.ask("logout", boss)
    await _deletion(told)
    return told


async def _live(told: Story, container: Container, customer: dict[str, str]) -> None:
    """A stream ends with the access token, so the token of its ticket ends soon."""
    await told.ask("create_live_ticket", customer)
    actor, _ = await container.get(Verifier).sign_in(customer["Authorization"].removeprefix("Bearer "))
    ticket = await container.get(Tickets).issue(actor, container.clock() + timedelta(seconds=1))
    await told.ask("stream_events", params={"rooms": "user", "ticket": ticket})


async def _verification(told: Story, container: Container, boss: dict[str, str]) -> None:
    shop = await a_barber(told.client, container)
    document, named = await upload_document(told.client, shop.person), {"user_id": shop.id}
    assert (await told.ask("submit_verification", shop.auth, json={"id_doc": document}))["status"] == "pending"
    assert (await told.ask("list_verifications", boss, params={"status": "pending"}))["items"]
    await told.ask("ask_for_documents", boss, **named, json={"notes": "Les deux côtés."})
    await told.ask("reject_verification", boss, **named, json={"notes": "Trop sombre."})
    await told.ask("approve_verification", boss, **named, json={})
    assert len((await told.ask("read_verification", boss, **named))["history"]) == 4
    assert (await told.ask("read_own_verification", shop.auth))["status"] == "approved"
    photo = str(await upload(told.client, shop.person, purpose="photo"))
    portfolio = await told.ask("put_photos", shop.auth, json={"photos": [photo], "picture": photo})
    assert await told.ask("read_own_photos", shop.auth) == portfolio
    assert await told.ask("read_photos", barber_id=shop.id) == portfolio


async def _sessions(told: Story) -> None:
    person = await register(told.client)
    await sign_in_again(told.client, person)
    listed = (await told.ask("list_sessions", person.auth))["items"]
    assert [session["current"] for session in listed] == [False, True]
    await told.ask("revoke_session", person.auth, session_id=listed[0]["id"])
    await told.ask("revoke_other_sessions", person.auth)
    await told.ask("logout_everywhere", person.auth)


async def _people(told: Story, boss: dict[str, str]) -> None:
    person = await register(told.client)
    named = {"user_id": str(person.id)}
    assert (await told.ask("list_users", boss, params={"search": named["user_id"]}))["items"]
    why = {"reason": "Reported by several barbers."}
    await told.ask("sign_out_user", boss, **named, json=why)
    await told.ask("reset_factors", boss, **named)
    assert (await told.ask("suspend_user", boss, **named, json=why))["suspended_at"]
    assert (await told.ask("read_user", boss, **named))["user"]["suspension_reason"] == why["reason"]
    await told.ask("restore_user", boss, **named, json=why)


async def _chat(
    told: Story, boss: dict[str, str], customer: dict[str, str], barber: dict[str, str], booking_id: str
) -> None:
    visit = {"booking_id": booking_id}
    sent = await told.ask("send_message", customer, **visit, json={"key": "1", "text": "Merci !"})
    named = {**visit, "message_id": sent["id"]}
    edited = await told.ask("edit_message", customer, **named, json={"text": "Merci beaucoup !"})
    assert await told.ask("read_message", barber, **named) == edited
    assert (await told.ask("list_messages", barber, **visit))["items"] == [edited]
    assert (await told.ask("mark_delivered", barber, **visit, json={"message": sent["id"]}))["unread"] == 1
    assert (await told.ask("count_unread", barber))["messages"] == 1
    assert (await told.ask("mark_read", barber, **visit, json={"message": sent["id"]}))["unread"] == 0
    assert (await told.ask("list_conversations", barber))["items"]
    report = await told.ask("report_message", barber, **named, json={"reason": "Impoli."})
    assert (await told.ask("list_message_reports", boss))["items"][0]["id"] == report["id"]
    reported = {"message_report_id": report["id"]}
    assert (await told.ask("list_reported_messages", boss, **reported))["items"] == [edited]
    decision = {"decision": "dismissed", "note": "Poli."}
    assert (await told.ask("resolve_message_report", boss, **reported, json=decision))["decision"] == "dismissed"
    await told.ask("delete_message", customer, **named)
    await told.ask("block_account", barber, account_id=edited["sender_id"])
    assert (await told.ask("list_blocks", barber))["items"][0]["account_id"] == edited["sender_id"]
    await told.ask("unblock_account", barber, account_id=edited["sender_id"])


async def _catalogue(told: Story, boss: dict[str, str]) -> str:
    cut = {"name": new_email(), "category": "hair", "translations": {"de": {"name": "Schnitt", "description": "Kurz."}}}
    service: dict[str, str] = await told.ask("create_service", boss, json=cut)
    await told.ask("read_service", service_id=service["id"])
    assert (await told.ask("list_services", params={"q": "hair", "limit": 100}))["items"]
    return service["id"]


async def _barber(told: Story, service_id: str) -> tuple[str, dict[str, str]]:
    person = {"phone": new_phone(), "password": PASSWORD, "name": "Émile", "role": "barber"}
    signed_in = await told.ask("register", json={**person, "device": {"id": DEVICE, "platform": "ios"}})
    await told.ask("refresh", json={"refresh_token": signed_in["refresh_token"]})
    auth = {"Authorization": f"Bearer {signed_in['access_token']}"}
    place = {"lat": -33.8688, "lng": 151.2093}
    profile = {"name": "Émile", "location": place, "timezone": "Australia/Sydney", "currency": "AUD"}
    offer = {"service_id": service_id, "price": 4500, "duration_min": 30}
    await told.ask("put_profile", auth, json=profile)
    await told.ask("put_offers", auth, json={"services": [offer]})
    await told.ask("put_hours", auth, json=ALWAYS_OPEN)
    await told.ask("put_rules", auth, json=EAGER)
    await told.ask("put_house_calls", auth, json={"minutes_per_km": 2.5})
    await told.ask("put_terms", auth, json={"cancellation": {"cancel_notice_min": 60}, "deposit": {"percent": 20}})
    barber = await told.ask("put_online", auth, json={"is_online": True})
    assert await told.ask("read_own_profile", auth) == await told.ask("read_barber", barber_id=barber["id"]) == barber
    assert (await told.ask("nearby_barbers", params={**place, "online": "true", "service_id": service_id}))["items"]
    assert (await told.ask("search_barbers", params={**place, "q": "emile", "limit": 100}))["items"]
    return barber["id"], auth


async def _openings(told: Story, barber: dict[str, str]) -> None:
    """In a year's time, where they are in nobody's way."""
    far = tomorrow(9) + timedelta(days=365)
    day = far.date()
    await told.ask("put_override", barber, day=day, json={"hours": ALWAYS_OPEN["monday"]})
    away = {"starts_at": far.isoformat(), "ends_at": (far + timedelta(hours=1)).isoformat(), "note": "Dentiste."}
    time_off = await told.ask("add_time_off", barber, json=away)
    await told.ask("put_holidays", barber, json={"holidays": {"country": "AU", "subdivision": "NSW"}})
    openings = await told.ask("read_openings", barber)
    assert openings["time_off"] == [time_off]
    assert [override["date"] for override in openings["overrides"]] == [str(day)]
    assert openings["holidays"]["country"] == "AU"
    await told.ask("remove_override", barber, day=day)
    await told.ask("remove_time_off", barber, time_off_id=time_off["id"])
    await told.ask("put_holidays", barber, json={"holidays": None})


async def _visits(
    told: Story, container: Container, barber_id: str, barber: dict[str, str], service_id: str
) -> tuple[dict[str, str], str]:
    """Return the customer, and the id of a visit that was completed."""
    me = {"email": new_email(), "password": PASSWORD}
    await told.ask("register", json={**me, "name": "Zoë"})
    customer = {"Authorization": f"Bearer {(await told.ask('login', json=me))['access_token']}"}
    await told.ask("profile", customer)
    await told.ask("change_preferences", customer, json={"language": "fr", "quiet_hours": None})
    assert (await told.ask("read_preferences", customer))["language"] == "fr"
    day = str(
        tomorrow(9).date() + timedelta(days=1)
    )  # none of its slots is near those of tomorrow, at any time of the day
    days = {"from": day, "to": day, "service_ids": service_id}
    slots = (await told.ask("free_times", barber_id=barber_id, params=days))["days"][0]["slots"]
    wanted = [
        {"barber_id": barber_id, "service_ids": [service_id], "scheduled_at": slots[number * 12]["start"]}
        for number in range(5)
    ]
    asked = [(await told.ask("create_booking", customer, json=one))["id"] for one in wanted[:4]]
    done, declined, cancelled, missed = asked
    await told.ask("accept", barber, booking_id=done)
    await changed(container, {"id": done}, scheduled_at=container.clock() + timedelta(hours=1))
    await _trip(told, container, customer, barber, done)
    await told.ask("start", barber, booking_id=done)
    await told.ask("undo", barber, booking_id=done)
    await told.ask("start", barber, booking_id=done)
    await changed(container, {"id": done}, scheduled_at=datetime.fromisoformat(wanted[0]["scheduled_at"]))
    await told.ask("preview_late", barber, booking_id=done, params={"minutes": "5"})
    assert (await told.ask("late", barber, booking_id=done, json={"minutes": 5}))["late_min"] == 5
    await told.ask("complete", barber, booking_id=done)
    await _review(told, customer, barber, barber_id, done)
    await told.ask("tip", customer, booking_id=done, json={"amount": 500})
    await told.ask("put_note", barber, booking_id=done, json={"note": "Très gentil."})
    await told.ask("read_notes", customer, booking_id=done)
    await told.ask("rebook", customer, booking_id=done, json={"scheduled_at": wanted[4]["scheduled_at"]})
    await told.ask("decline", barber, booking_id=declined, json={"note": "Déjà pris."})
    await _other_time(told, customer, barber, cancelled, {name: days[name] for name in ("from", "to")})
    await told.ask("preview_cancellation", customer, booking_id=cancelled)
    await told.ask("cancel", customer, booking_id=cancelled)
    await told.ask("accept", barber, booking_id=missed)
    await changed(container, {"id": missed}, scheduled_at=container.clock() - timedelta(minutes=10))
    await told.ask("no_show", barber, booking_id=missed)
    await told.ask("read_booking", customer, booking_id=done)
    await told.ask("read_history", customer, booking_id=declined)
    await told.ask("read_visit", customer, booking_id=done)
    assert len((await told.ask("list_bookings", customer))["items"]) == 5
    return customer, done


async def _other_time(
    told: Story, customer: dict[str, str], barber: dict[str, str], booking_id: str, days: dict[str, str]
) -> None:
    await told.ask("accept", barber, booking_id=booking_id)
    slots = (await told.ask("other_times", customer, booking_id=booking_id, params=days))["days"][0]["slots"]
    wanted = {"scheduled_at": slots[-1]["start"], "note": "Désolée."}
    for answer, who in (("decline_proposal", barber), ("withdraw_proposal", customer), ("accept_proposal", barber)):
        asked = await told.ask("reschedule", customer, booking_id=booking_id, json=wanted)
        assert asked["proposal"]["scheduled_at"] == wanted["scheduled_at"]
        await told.ask(answer, who, booking_id=booking_id)


async def _waitlist(
    told: Story, barber_id: str, barber: dict[str, str], customer: dict[str, str], service_id: str
) -> None:
    wanted = {"barber_id": barber_id, "service_ids": [service_id]}
    taken = await told.ask("create_booking", customer, json={**wanted, "scheduled_at": tomorrow(4).isoformat()})
    wanted |= {"earliest": taken["scheduled_at"], "latest": taken["ends_at"]}
    entry = await told.ask("join", customer, json=wanted)
    assert (await told.ask("list_entries", customer))["items"] == [entry]
    assert (await told.ask("list_waiting", barber))["items"]
    assert await told.ask("read_entry", customer, entry_id=entry["id"]) == entry
    await told.ask("leave", customer, entry_id=entry["id"])


async def _walk_ins(
    told: Story, barber_id: str, barber: dict[str, str], customer: dict[str, str], service_id: str
) -> None:
    wanted = {"service_ids": [service_id]}
    assert (await told.ask("look_at_queue", barber_id=barber_id, params={"service_ids": service_id}))["is_taking"]
    place = await told.ask("join_queue", customer, barber_id=barber_id, json=wanted)
    await told.ask("read_walk_in", barber, walk_in_id=place["id"])
    for name in ("Un", "Deux"):
        await told.ask("add_guest", barber, json={"name": name, **wanted})
    _, first, second = (await told.ask("read_queue", barber))["items"]
    await told.ask("leave_queue", customer, walk_in_id=place["id"])
    assert (await told.ask("list_walk_ins", customer))["items"]
    await told.ask("seat", barber, walk_in_id=first["id"], json={"duration_min": 5})
    assert (await told.ask("miss", barber, walk_in_id=second["id"]))["items"] == []


async def _calendar(told: Story, barber: dict[str, str]) -> None:
    url = (await told.ask("read_calendar_address", barber))["url"]
    await told.ask("read_calendar", token=token_of(url))
    assert (await told.ask("reset_calendar_address", barber))["url"] != url
    await told.ask("turn_calendar_off", barber)


async def _trip(
    told: Story, container: Container, customer: dict[str, str], barber: dict[str, str], booking_id: str
) -> None:
    sydney = {"type": "Point", "coordinates": [151.2093, -33.8688]}
    call = {"location": sydney, "address": "1 George St", "distance_m": 0.0, "travel_min": 10}
    await changed(container, {"id": booking_id}, house_call=call)
    assert (await told.ask("set_out", barber, booking_id=booking_id))["on_the_way"]["arrived_at"] is None
    place = {"lat": -33.87, "lng": 151.2}
    assert (await told.ask("report_position", barber, booking_id=booking_id, json=place))["distance_m"] > 800
    assert (await told.ask("read_position", customer, booking_id=booking_id))["lat"] == place["lat"]
    assert (await told.ask("turn_back", barber, booking_id=booking_id))["on_the_way"] is None
    await changed(container, {"id": booking_id}, house_call=None)


async def _review(told: Story, customer: dict[str, str], barber: dict[str, str], barber_id: str, done: str) -> None:
    await told.ask("post_review", customer, booking_id=done, json={"rating": 4, "text": "Bien."})
    await told.ask("edit_review", customer, booking_id=done, json={"rating": 5, "text": "Très bien."})
    answered = await told.ask("put_answer", barber, booking_id=done, json={"text": "Merci !"})
    assert await told.ask("read_review", barber, booking_id=done) == answered
    assert (await told.ask("list_reviews", barber_id=barber_id, params={"rating": 5}))["items"]
    await told.ask("remove_answer", barber, booking_id=done)
    await told.ask("remove_review", customer, booking_id=done)
    await told.ask("add_favourite", customer, barber_id=barber_id)
    assert (await told.ask("list_favourites", customer))["items"]
    await told.ask("remove_favourite", customer, barber_id=barber_id)


async def _other_ways_to_book(told: Story, customer: dict[str, str], barber_id: str, service_id: str) -> None:
    day = str(tomorrow(9).date())
    around = {"lat": -33.8688, "lng": 151.2093, "service_ids": service_id, "from": day, "to": day}
    anybody = await told.ask("free_times_of_all", params=around)
    assert (anybody["barbers"][0]["id"], anybody["slots"][0]["barber_ids"]) == (barber_id, [barber_id])
    starts = [slot["start"] for slot in anybody["slots"]]
    there = {"lat": -33.8688, "lng": 151.2093, "service_ids": [service_id], "scheduled_at": starts[-1]}
    assert (await told.ask("book_any_barber", customer, json=there))["barber_id"] == barber_id
    wanted = {"barber_id": barber_id, "service_ids": [service_id], "scheduled_at": starts[-12]}
    quoted = await told.ask("ask_for_quote", customer, json=wanted)
    assert await told.ask("read_quote", customer, quote_id=quoted["id"]) == quoted
    assert (await told.ask("book_quote", customer, quote_id=quoted["id"]))["id"] == quoted["id"]
    weekly = {**wanted, "scheduled_at": starts[-24], "repeat": {"every": "week", "count": 2}}
    assert [one["refused"] for one in (await told.ask("preview_series", customer, json=weekly))["occurrences"]] == [
        None,
        None,
    ]
    series = await told.ask("create_series", customer, json=weekly)
    assert await told.ask("read_series", customer, series_id=series["id"]) == series
    last = series["occurrences"][-1]["booking"]["id"]
    later = {"scheduled_at": (tomorrow(12) + timedelta(days=8)).isoformat()}
    (moved,) = (await told.ask("reschedule_following", customer, booking_id=last, json=later))["items"]
    assert moved["booking"]["version"] == 2
    assert len((await told.ask("cancel_following", customer, booking_id=last))["items"]) == 1


async def _jobs(told: Story, container: Container, boss: dict[str, str]) -> None:
    new = NewJob(f"{new_hex_id()}:told:1", JobKind("told", Queue.BULK, 1, ()), {"of": "1"})
    await container.get(JobQueue).add(new)
    await told.ask("drop_job", boss, job_id=new.id)
    assert (await told.ask("list_jobs", boss, params={"state": "dropped", "kind": "told"}))["items"]
    await told.ask("retry_job", boss, job_id=new.id)
    assert (await told.ask("read_job", boss, job_id=new.id))["state"] == "pending"
    await discard_job(container, new.id)


async def _messages(told: Story, barber: dict[str, str]) -> None:
    await told.ask("put_push_token", barber, device_id=DEVICE, json={"token": new_email()})
    await told.ask("remove_push_token", barber, device_id=DEVICE)
    assert (await told.ask("list_notifications", barber))["items"] == []


async def _report(told: Story, barber: dict[str, str]) -> None:
    days = {"from": str(tomorrow(9).date()), "to": str(tomorrow(9).date())}
    report = await told.ask("ask_for_report", barber, json={"kind": "revenue", "format": "pdf", **days})
    assert (await told.ask("read_report", barber, report_id=report["id"])) == report
    assert (await told.ask("list_reports", barber))["items"] == [report]
    await told.ask("delete_report", barber, report_id=report["id"])


async def _export(told: Story, barber: dict[str, str]) -> None:
    export = await told.ask("request_export", barber)
    assert (await told.ask("list_exports", barber))["items"] == [export]
    assert await told.ask("read_export", barber, export_id=export["id"]) == export


async def _deletion(told: Story) -> None:
    leaver = {"email": new_email(), "password": PASSWORD, "name": "Léa"}
    signed_in = await told.ask("register", json=leaver)
    auth = {"Authorization": f"Bearer {signed_in['access_token']}"}
    kept = (await told.ask("delete_account", auth, json={"password": PASSWORD}))["kept"]
    assert {"users", "bookings"} <= {each["data"] for each in kept}


async def _webhooks(told: Story, barber: dict[str, str]) -> None:
    wanted = {"url": "https://example.com/hooks", "types": ["booking.accepted"]}
    endpoint_id = (await told.ask("create_webhook_endpoint", barber, json=wanted))["endpoint"]["id"]
    await told.ask("put_webhook_endpoint", barber, endpoint_id=endpoint_id, json={**wanted, "description": "Caisse"})
    (listed,) = (await told.ask("list_webhook_endpoints", barber))["items"]
    assert await told.ask("read_webhook_endpoint", barber, endpoint_id=endpoint_id) == listed
    await told.ask("rotate_webhook_secret", barber, endpoint_id=endpoint_id)
    delivery = {"endpoint_id": endpoint_id}
    delivery["delivery_id"] = (await told.ask("test_webhook_endpoint", barber, endpoint_id=endpoint_id))["id"]
    await told.ask("replay_webhook_delivery", barber, **delivery)
    (sent,) = (await told.ask("list_webhook_deliveries", barber, endpoint_id=endpoint_id))["items"]
    assert (await told.ask("read_webhook_delivery", barber, **delivery))["delivery"] == sent
    await told.ask("remove_webhook_endpoint", barber, endpoint_id=endpoint_id)


async def _promos(told: Story, owner: dict[str, str], own: str, service_id: str) -> None:
    """`own` is how the names of the barber's operations differ."""
    terms = {"percent": 20, "at_most": 900, "currency": "AUD", "valid_from": "2026-01-01T00:00:00+11:00"}
    new = {**terms, "code": f"new-{new_hex_id()[-12:]}", "service_ids": [service_id], "most_uses": 10}
    made = await told.ask(f"create_{own}promo", owner, json=new)
    listed = await told.ask(f"list_{own}promos", owner, params={"is_active": "true", "code": made["code"]})
    assert listed["items"] == [made]
    changed = await told.ask(f"put_{own}promo", owner, promo_id=made["id"], json={**terms, "first_visit_only": True})
    switched = await told.ask(f"switch_{own}promo", owner, promo_id=made["id"], json={"is_active": False})
    assert switched == {**changed, "is_active": False, "updated_at": switched["updated_at"]}
    read = await told.ask(f"read_{own}promo", owner, promo_id=made["id"])
    assert (read["promo"], read["figures"]["uses"]) == (switched, 0)


async def test_responses_of_the_story_match_their_openapi_description(story: Story) -> None:
    assert set(story.answers) == set(BY_NAME) - {"open_live_connection"}  # answers by a WebSocket
    for name, response in story.answers.items():
        route = BY_NAME[name]
        assert response.status_code == route.operation.status
        kind = route.operation.answers[response.status_code]
        wanted = kind if isinstance(kind, str) else "application/json" if kind else None
        assert (response.headers.get("content-type") or "").partition(";")[0] == (wanted or "")
        SCHEMA[route.path][route.method].validate_response(response)
