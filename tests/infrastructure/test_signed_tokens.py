"""Keys derived from the signing key: which keys are taken, and that the PEM's line breaks change nothing."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grome.accounts.models import Topic
from grome.accounts.tokens import AccessTokens
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.signed_tokens import LinkSigner, derive_key
from grome.infrastructure.storage.links import FileLinks
from grome.notifications.unsubscribe import UnsubscribeLinks
from grome.webhooks.signing import SecretSealer
from tests.builders.keys import new_signing_key

KEY = new_signing_key()
SPELLINGS = (KEY, KEY.strip(), f"\n{KEY}\n\n", KEY.replace("\n", "\r\n"))


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
        AccessTokens(pem, 900)
    with pytest.raises(TypeError, match="Ed25519"):
        derive_key(pem, "anything")


def test_signing_key_that_is_not_pem_is_refused() -> None:
    with pytest.raises(ValueError, match=r"PEM|deserialize"):
        AccessTokens("not a key", 900)


def test_derived_key_is_the_same_for_each_spelling_of_the_pem() -> None:
    assert len({derive_key(pem, "a") for pem in SPELLINGS}) == 1
    assert len({derive_key(KEY, "a"), derive_key(KEY, "b"), derive_key(new_signing_key(), "a")}) == 3


def test_links_and_secrets_stay_valid_for_each_spelling_of_the_pem() -> None:
    person, endpoint = new_id(), new_id()
    sealed = SecretSealer(KEY).seal(b"secret", endpoint)
    topic = UnsubscribeLinks(KEY, "").token(person, Topic.REVIEWS)
    calendar = FeedUrls(KEY, "").build(person, 3).split("/")[3]
    file = FileLinks(KEY, "", system_clock).write("a", 60, "b", "c").rpartition("/")[2]
    for pem in SPELLINGS:
        assert SecretSealer(pem).open(sealed, endpoint) == b"secret"
        assert UnsubscribeLinks(pem, "").read(topic) == (person, Topic.REVIEWS)
        assert FeedUrls(pem, "").is_valid(calendar, person, 3)
        assert FileLinks(pem, "", system_clock).read(file) is not None


def test_signature_by_the_old_key_derivation_is_accepted() -> None:
    signer = LinkSigner(KEY, "calendar addresses", 16)
    old_key = hashlib.sha256(b"calendar addresses\0" + KEY.encode()).digest()
    assert signer.is_signed(b"said", hmac.digest(old_key, b"said", "sha256")[:16])
    assert signer.is_signed(b"said", signer.sign(b"said"))
    for wrong in (b"", signer.sign(b"other"), signer.sign(b"said")[:15], b"\0" * 16):
        assert not signer.is_signed(b"said", wrong)
