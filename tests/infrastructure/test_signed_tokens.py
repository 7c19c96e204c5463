"""Signing keys and keys for secrets: their forms, and that links and secrets stay readable over a rotation."""

import base64
import hashlib
import hmac
import re
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from grome.accounts.models import Topic
from grome.accounts.tokens import RefreshToken, RefreshTokens
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.common.clock import system_clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.infrastructure.secret_keys import Sealer, SecretKeys
from grome.infrastructure.signed_tokens import SignedTokens
from grome.infrastructure.signing_keys import SigningKeys, load_signing_key
from grome.infrastructure.storage.links import FileLinks
from grome.notifications.unsubscribe import UnsubscribeLink, UnsubscribeLinks
from grome.receipts.links import ReceiptLink, ReceiptLinks
from grome.webhooks.errors import UnreadableSecretError
from grome.webhooks.signing import SecretSealer
from tests.builders.keys import new_secrets_key, new_signing_key, secret_keys

KEY, NEW_KEY = new_signing_key(), new_signing_key()
SPELLINGS = (KEY, KEY.strip(), f"\n{KEY}\n\n", KEY.replace("\n", "\r\n"))


class Made:
    """Holds links, a calendar address, a sealed secret and a refresh token that were made by the same keys."""

    def __init__(self, keys: SecretKeys) -> None:
        self.person, self.endpoint = new_id(), new_id()
        self.sealed = SecretSealer(keys).seal(b"secret", self.endpoint)
        self.unsubscribe = UnsubscribeLinks(keys, "").token(self.person, Topic.REVIEWS)
        self.calendar = FeedUrls(keys, "").build(self.person, 3).split("/")[3]
        self.file = FileLinks(keys, "", system_clock).write("a", 60, "b", "c").rpartition("/")[2]
        self.receipt = ReceiptLinks(keys, "", system_clock).url(self.endpoint, self.person).rpartition("/")[2]
        self.refresh = RefreshTokens(keys).write(RefreshToken(self.person, 7))

    def is_readable(self, keys: SecretKeys) -> bool:
        try:
            return (
                SecretSealer(keys).open(self.sealed, self.endpoint) == b"secret"
                and UnsubscribeLinks(keys, "").read(self.unsubscribe) == UnsubscribeLink(self.person, Topic.REVIEWS)
                and FeedUrls(keys, "").is_valid(self.calendar, self.person, 3)
                and FileLinks(keys, "", system_clock).read(self.file) is not None
                and ReceiptLinks(keys, "", system_clock).find(self.receipt) is not None
                and RefreshTokens(keys).read(self.refresh) == RefreshToken(self.person, 7)
            )
        except (UnreadableSecretError, NotFound):
            return False


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["ec", "rsa", "ed448", "x25519"],
)
def test_signing_key_of_another_algorithm_is_refused(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey | x25519.X25519PrivateKey,
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(TypeError, match="Ed25519"):
        SigningKeys(pem)
    with pytest.raises(TypeError, match="Ed25519"):
        SecretKeys([pem])


def test_signing_key_that_is_not_pem_is_refused() -> None:
    with pytest.raises(ValueError, match=r"PEM|deserialize"):
        SigningKeys("not a key")
    with pytest.raises(ValueError, match="PEM"):
        SigningKeys(KEY, f"{KEY} and more")


def test_signature_names_its_key_and_is_verified_after_a_rotation() -> None:
    old = SigningKeys(KEY)
    new = SigningKeys(new_signing_key(), f"{KEY}{new_signing_key()}")
    signature = old.sign(b"said")
    assert new.is_signed(b"said", signature, old.kid)
    assert not new.is_signed(b"said", signature, new.kid)
    assert not new.is_signed(b"other", signature, old.kid)
    assert not SigningKeys(new_signing_key()).is_signed(b"said", signature, old.kid)
    assert len(new.publics) == 3


def test_derived_key_is_the_same_for_each_spelling_of_the_pem() -> None:
    assert len({SecretKeys([pem]).derive("a")[0] for pem in SPELLINGS}) == 1
    others = SecretKeys([KEY]).derive("b")[0], secret_keys().derive("a")[0]
    assert len({SecretKeys([KEY]).derive("a")[0], *others}) == 3


def test_links_and_secrets_stay_valid_for_each_spelling_of_the_pem() -> None:
    made = Made(SecretKeys([KEY]))
    assert all(made.is_readable(SecretKeys([pem])) for pem in SPELLINGS)


def test_links_and_secrets_stay_valid_over_rotations_of_both_keys() -> None:
    """Each step adds or replaces one key, from a release without secrets keys on."""
    first, second = new_secrets_key(1), new_secrets_key(2)
    steps = [
        SecretKeys([KEY]),
        SecretKeys([KEY], f"0,{first}"),
        SecretKeys([KEY], f"{first},{second}"),
        SecretKeys([NEW_KEY, KEY], f"{second},{first}"),
    ]
    made = [Made(keys) for keys in steps]
    for one, keys, following in zip(made, steps, [*steps[1:], steps[-1]], strict=True):
        assert one.is_readable(keys)
        assert one.is_readable(following), "a process of the next step runs beside a process of this step"
    # Processes that are a step behind read what a process of the next step makes.
    assert all(one.is_readable(keys) for one, keys in zip(made[1:], steps, strict=False))
    assert all(one.is_readable(steps[-1]) for one in made)
    assert not made[0].is_readable(SecretKeys([NEW_KEY], second))
    raw = load_signing_key(KEY).private_bytes_raw()
    kept = SecretKeys([NEW_KEY], f"{second},0:{base64.b64encode(raw).decode()}")
    assert made[0].is_readable(kept), "the seed of a removed signing key stays a key for secrets"


def test_sealed_secret_tells_whether_its_key_is_current() -> None:
    old = Sealer(SecretKeys([KEY]), "things")
    new = Sealer(SecretKeys([NEW_KEY, KEY]), "things")
    sealed = old.seal(b"secret", b"id")
    assert (old.is_current(sealed, b"id"), new.is_current(sealed, b"id")) == (True, False)
    assert new.open(sealed, b"id") == b"secret"
    assert new.is_current(new.seal(b"secret", b"id"), b"id")
    for wrong in (b"", sealed[:11], sealed[:-1], sealed[::-1]):
        assert new.open(wrong, b"id") is None
    assert new.open(sealed, b"another id") is None


class Pass(Struct, frozen=True, array_like=True):
    name: str


@given(st.text(max_size=40), st.data())
def test_token_is_read_in_its_one_spelling_and_for_its_purpose_only(name: str, data: st.DataObject) -> None:
    keys = secret_keys()
    passes, others = (SignedTokens(keys, purpose, Pass) for purpose in ("passes", "others"))
    token = passes.write(Pass(name))
    assert re.fullmatch(r"[\w-]+\.[\w-]{43}", token, re.ASCII)
    assert passes.read(token) == Pass(name)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJ0123456789_-.+/=é").filter(lambda letter: letter != token[place]))
    altered = token[:place] + other + token[place + 1 :]
    for wrong in (altered, token[:place], f"{token}=", f"{token} ", f"{token}\ud800", others.write(Pass(name))):
        assert passes.read(wrong) is None


@pytest.mark.parametrize("derivation", ["from the secrets key", "from the PEM text"])
def test_token_of_an_earlier_release_is_read(derivation: str) -> None:
    """Made as earlier releases made them: base64url of 16 bytes of HMAC and the bytes that they sign."""
    keys = SecretKeys([NEW_KEY, KEY.strip()], new_secrets_key(1))
    person, booking, expires = new_id(), new_id(), int(time.time()) + 60

    def earlier(purpose: str, payload: bytes, aside: bytes = b"") -> str:
        digest = hashlib.sha256(purpose.encode() + b"\0" + KEY.encode()).digest()
        key = keys.derive(purpose)[0] if derivation == "from the secrets key" else digest
        mac = hmac.digest(key, payload + aside, "sha256")[:16]
        return base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")

    unsubscribe = earlier("unsubscribe links", person.bytes + b"reviews")
    assert UnsubscribeLinks(keys, "").read(unsubscribe) == UnsubscribeLink(person, Topic.REVIEWS)
    receipt = earlier("links to receipts", booking.bytes + person.bytes + expires.to_bytes(5, "big"))
    assert ReceiptLinks(keys, "", system_clock).find(receipt) == ReceiptLink(booking, person, expires)
    old = earlier("links to receipts", booking.bytes + person.bytes + (expires - 120).to_bytes(5, "big"))
    assert ReceiptLinks(keys, "", system_clock).find(old) is None
    feeds, calendar = FeedUrls(keys, ""), earlier("calendar addresses", person.bytes, (3).to_bytes(8, "big"))
    assert feeds.find_user_id(calendar) == person
    assert [feeds.is_valid(calendar, person, generation) for generation in (2, 3)] == [False, True]
    for forged in (unsubscribe[::-1], receipt, calendar[:-1], "A" * 60):
        with pytest.raises(NotFound):
            UnsubscribeLinks(keys, "").read(forged)
        assert ReceiptLinks(keys, "", system_clock).find(calendar) is None
        assert not feeds.is_valid(forged, person, 3)
