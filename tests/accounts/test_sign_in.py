"""Sign-in: when it asks for a second proof, how a step-up renews a session, and how unusual sign-ins are noticed."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from grome.accounts.country import Countries
from grome.accounts.errors import AccountSuspended, Challenge, SecondFactorRequired, WrongCredentials
from grome.accounts.failed_sign_ins import MANY_FAILURES, FailedSignIns
from grome.accounts.models import Device, SessionLife, User
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.risk import RiskAssessor
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.accounts.tokens import TokenIssuer
from grome.accounts.verifier import Verifier
from grome.common.actor import SignInMethod
from grome.common.errors import Unauthenticated
from grome.infrastructure.container import Container
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock

BERLIN, MUNICH, PARIS, HOME = "203.0.113.1", "203.0.113.200", "198.51.100.7", "192.168.0.4"
CHALLENGE = Challenge("a challenge", ["totp"])


class Factors:
    """Asks for factors, and for the extra kinds if `answers_codes`; or learns of factors after it asked for none."""

    def __init__(
        self, *, asks_for_factors: bool = False, answers_codes: bool = False, has_new_factors: bool = False
    ) -> None:
        self.asks_for_factors, self.answers_codes = asks_for_factors, answers_codes
        self.has_new_factors = has_new_factors

    async def begin(
        self,
        user_id: object,  # noqa: ARG002 -- of the protocol
        device: Device,  # noqa: ARG002
        methods: frozenset[SignInMethod],
        extra_kinds: frozenset[str],
    ) -> Challenge | None:
        assert methods
        return CHALLENGE if self.asks_for_factors or (extra_kinds and self.answers_codes) else None

    async def has_factors(self, user_id: object) -> bool:  # noqa: ARG002
        return self.has_new_factors


@pytest.fixture
def countries(tmp_path: Path) -> Iterator[Countries]:
    writer = MMDBWriter(database_type="countries", ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet([str(ip_network("203.0.113.0/24"))]), {"country_code": "DE"})
    writer.insert_network(IPSet([str(ip_network("198.51.100.0/24"))]), {"country": {"iso_code": "FR"}})
    writer.to_db_file(str(tmp_path / "countries.mmdb"))
    opened = Countries(str(tmp_path / "countries.mmdb"))
    yield opened
    opened.close()


def sign_in_of(container: Container, factors: Factors, countries: Countries) -> SignIn:
    get = container.get
    return SignIn(
        (get(UserRepository), get(SessionRepository)),
        get(SessionService),
        get(TokenIssuer),
        factors,
        RiskAssessor(get(SessionRepository), countries, get(FailedSignIns), container.clock),
        get(SessionLife),
        container.clock,
    )


async def user_of(container: Container, person: Person) -> User:
    user = await container.get(UserRepository).find(person.id)
    assert user is not None
    return user


async def stored_notices(container: Container, person: Person) -> list[str | None]:
    found = container.database["sessions"].find({"user_id": person.id}).sort("_id", 1)
    return [(session["notice"] or {}).get("type") async for session in found]


def test_country_of_an_address_is_found_in_both_known_forms(countries: Countries, tmp_path: Path) -> None:
    assert [countries.find(one) for one in (BERLIN, PARIS, HOME, "", None, "nonsense", "2001:db8::1")] == [
        *("DE", "FR"),
        *[None] * 5,
    ]
    (tmp_path / "broken.mmdb").write_bytes(b"no database")
    for path in ("", str(tmp_path / "broken.mmdb"), str(tmp_path / "missing.mmdb")):
        assert Countries(path).find(BERLIN) is None


async def test_account_with_a_factor_is_asked_for_it(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    user, sign_in = (
        await user_of(container, person),
        sign_in_of(container, Factors(asks_for_factors=True), Countries("")),
    )
    with pytest.raises(SecondFactorRequired) as asked:
        await sign_in.begin(user, Device(id="new"), SignInMethod.PASSWORD)
    assert asked.value.extension == CHALLENGE
    assert len(await stored_notices(container, person)) == 1, "no session was opened"
    passkey = await sign_in.begin(user, Device(id="key"), SignInMethod.PASSKEY)
    both = frozenset({SignInMethod.PASSWORD, SignInMethod.TOTP})
    completed = await sign_in.complete(user, Device(id="new"), both)
    verifier = container.get(Verifier)
    assert (await verifier.get_actor(passkey.access_token)).has_second_factor
    assert (await verifier.get_actor(completed.access_token)).methods == both
    assert not (await verifier.get_actor(person.access_token)).has_second_factor


async def test_suspended_account_cannot_sign_in(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    at = container.clock()
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"suspended_at": at}})
    user, sign_in = await user_of(container, person), container.get(SignIn)
    with pytest.raises(AccountSuspended):
        await sign_in.begin(user, Device(), SignInMethod.PASSWORD)
    with pytest.raises(AccountSuspended):
        await sign_in.complete(user, Device(), frozenset({SignInMethod.PASSWORD, SignInMethod.TOTP}))
    answers = [
        await http.post("/v1/auth/login", json={"email": person.email, "password": password})
        for password in ("correct horse battery", "a wrong password")
    ]
    assert [answer.json()["code"] for answer in answers] == ["account_suspended", "wrong_credentials"]


async def test_step_up_renews_the_proof_of_identity_in_the_session(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person = await register(http)
    verifier, sign_in = container.get(Verifier), container.get(SignIn)
    clock.shift = timedelta(minutes=11)
    actor = await verifier.get_actor(person.access_token)
    assert actor.authenticated_at < container.clock() - timedelta(minutes=10)
    tokens = await sign_in.step_up(actor, frozenset({SignInMethod.TOTP}))
    refreshed = await container.get(SessionService).refresh(tokens.refresh_token)
    for token in (tokens.access_token, refreshed.access_token):
        proved = await verifier.get_actor(token)
        assert proved.authenticated_at > container.clock() - timedelta(minutes=1)
        assert proved.methods == {SignInMethod.PASSWORD, SignInMethod.TOTP}
    await container.get(SessionService).logout(actor)
    with pytest.raises(Unauthenticated):
        await sign_in.step_up(actor, frozenset({SignInMethod.PASSWORD}))


@pytest.mark.parametrize(
    ("updated", "is_new"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/538.1 (KHTML) Chrome/131.0.1.2 Safari/538.1", False),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML) Chrome/130.0.0.0 Safari/537.36", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", True),
    ],
)
async def test_browser_update_is_no_new_device(
    http: httpx.AsyncClient, container: Container, updated: str, *, is_new: bool
) -> None:
    person = await register(http)
    user, sign_in = await user_of(container, person), container.get(SignIn)
    known = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML) Chrome/130.0.0.0 Safari/537.36"
    await sign_in.begin(user, Device(user_agent=known), SignInMethod.PASSWORD)
    await sign_in.begin(user, Device(user_agent=updated), SignInMethod.PASSWORD)
    notices = await stored_notices(container, person)
    assert notices[1:] == ["account.new_device", "account.new_device" if is_new else None]


@pytest.mark.parametrize(
    ("device", "after", "notice"),
    [
        (Device(id="new", ip=PARIS), timedelta(hours=23), "account.suspicious_sign_in"),
        (Device(id="new", ip=PARIS), timedelta(hours=25), "account.new_device"),
        (Device(id="known", ip=PARIS), timedelta(hours=1), None),
        (Device(id="new", ip=MUNICH), timedelta(hours=1), "account.new_device"),
        (Device(id="new", ip=HOME), timedelta(hours=1), "account.new_device"),
    ],
)
async def test_new_device_in_another_country_soon_after_is_unusual(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    countries: Countries,
    device: Device,
    after: timedelta,
    notice: str | None,
) -> None:
    person = await register(http)
    user = await user_of(container, person)
    sign_in = sign_in_of(container, Factors(), countries)
    await sign_in.complete(user, Device(id="known", ip=BERLIN), frozenset({SignInMethod.PASSWORD}))
    clock.shift = after
    signed_in = await sign_in.begin(user, device, SignInMethod.PASSWORD)
    assert (await stored_notices(container, person))[-1] == notice
    listed = await container.get(SessionService).list_own(
        await container.get(Verifier).get_actor(signed_in.access_token)
    )
    assert listed.items[0].country == {PARIS: "FR", HOME: None}.get(device.ip or "", "DE")


async def test_unusual_sign_in_waits_for_a_code_and_tells_the_owner(
    http: httpx.AsyncClient, container: Container, countries: Countries
) -> None:
    person = await register(http)
    user = await user_of(container, person)
    sign_in = sign_in_of(container, Factors(answers_codes=True), countries)
    await sign_in.begin(user, Device(id="known", ip=BERLIN), SignInMethod.PASSWORD)
    with pytest.raises(SecondFactorRequired):
        await sign_in.begin(user, Device(id="new", ip=PARIS), SignInMethod.PASSWORD)
    assert (await user_of(container, person)).outbox[-1].type.value == "account.suspicious_sign_in"
    both = frozenset({SignInMethod.PASSWORD, SignInMethod.CODE})
    await sign_in.complete(user, Device(id="new", ip=PARIS), both)
    assert (await stored_notices(container, person))[-1] == "account.new_device"
    await sign_in.begin(user, Device(id="newer", ip=PARIS), SignInMethod.CODE)


async def test_factor_that_is_added_during_a_login_ends_the_login(
    http: httpx.AsyncClient, container: Container, countries: Countries
) -> None:
    person = await register(http)
    user, sign_in = await user_of(container, person), sign_in_of(container, Factors(has_new_factors=True), countries)
    with pytest.raises(WrongCredentials):
        await sign_in.begin(user, Device(id="late"), SignInMethod.PASSWORD)
    live = await container.get(SessionService).list_own(await container.get(Verifier).get_actor(person.access_token))
    assert [session.device.id for session in live.items] == [None]
    await sign_in.begin(user, Device(id="late"), SignInMethod.PASSKEY)


async def test_many_wrong_passwords_make_a_new_device_unusual(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "known"})
    user, asking = await user_of(container, person), sign_in_of(container, Factors(answers_codes=True), Countries(""))
    for _ in range(MANY_FAILURES - 1):
        await container.get(FailedSignIns).add([person.id])
    await asking.begin(user, Device(id="phone"), SignInMethod.PASSWORD)
    body = {"email": person.email, "password": "a wrong password"}
    assert (await http.post("/v1/auth/login", json=body)).status_code == 401
    with pytest.raises(SecondFactorRequired):
        await asking.begin(user, Device(id="tablet"), SignInMethod.PASSWORD)
    assert await asking.begin(user, Device(id="known"), SignInMethod.PASSWORD)
