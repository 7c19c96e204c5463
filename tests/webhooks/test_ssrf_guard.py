"""Test that no request reaches a private address, in any spelling or by any name."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from config.sections.messages import WebhookSettings
from grome.webhooks.errors import AddressError, UrlError
from grome.webhooks.sender import WebhookSender
from grome.webhooks.ssrf_guard import Address, GuardedBackend, SystemResolver, is_public, parse_url
from tests.webhooks.receiver import answering, receiving

PRIVATE_4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32", "100.100.100.200/32", "169.254.169.254/32"),
]
PRIVATE_6 = [
    *("::/128", "::1/128", "::/96", "fe80::/10", "fec0::/10", "fc00::/7", "ff00::/8", "2001:db8::/32", "2001::/32"),
    *("64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16", "fd00:ec2::254/128", "2001:20::/28"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "192.167.9.9", "2606:4700::1111", "2a00:1450:4001::1"]


def within(network: str) -> st.SearchStrategy[Address]:
    return st.ip_addresses(network=network)


private_4 = st.sampled_from(PRIVATE_4).flatmap(within)


class TestAddresses:
    @given(st.sampled_from([*PRIVATE_4, *PRIVATE_6]).flatmap(within))
    def test_private_addresses_are_refused(self, address: Address) -> None:
        assert not is_public(address)

    @given(private_4)
    def test_private_ipv4_within_ipv6_is_refused(self, address: Address) -> None:
        number = int(address)
        for outer in (
            int(IPv6Address("::ffff:0:0")) | number,
            int(IPv6Address("64:ff9b::")) | number,
            0x2002 << 112 | number << 80,
            0x2002 << 112 | number << 80 | 0xFFFF,
            int(IPv6Address("2001::")) | number ^ 0xFFFF_FFFF,  # Teredo's client
            number,  # "IPv4-compatible"
        ):
            assert not is_public(IPv6Address(outer)), IPv6Address(outer)

    @given(st.ip_addresses())
    def test_public_addresses_are_global_in_python(self, address: Address) -> None:
        embedding = address.version == 6 and not address.is_global
        assert not is_public(address) or address.is_global or embedding
        if is_public(address) and address.version == 6 and embedding:
            assert any(address in IPv6Network(one) for one in ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"))

    @pytest.mark.parametrize("address", [*PUBLIC, "::ffff:1.1.1.1", "64:ff9b::808:808", "2002:808:808::1"])
    def test_public_addresses_are_allowed(self, address: str) -> None:
        assert is_public(ip_address(address))

    @pytest.mark.parametrize("network", PRIVATE_4)
    def test_first_and_last_private_addresses_are_refused(self, network: str) -> None:
        parsed = IPv4Network(network)
        assert not is_public(parsed[0])
        assert not is_public(parsed[-1])


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            *(
                "https://example.com",
                "https://example.com/",
                "https://example.com:443/a?b=c",
                "https://a-b.example:8443",
            ),
            *(
                "https://1.1.1.1/hook",
                "https://[2606:4700::1111]/hook",
                "https://bücher.example/",
                "HTTPS://EXAMPLE.COM",
            ),
        ],
    )
    def test_valid_url_is_accepted(self, url: str) -> None:
        assert isinstance(parse_url(url, private=False), httpx.URL)

    @pytest.mark.parametrize(
        ("url", "because"),
        [
            *((url, "https://") for url in ("http://example.com", "ftp://example.com", "//example.com", "x", "", " ")),
            *((url, "https://") for url in ("javascript:alert(1)", "file:///etc/passwd", "gopher://example.com:70/")),
            *(
                (url, "user name")
                for url in ("https://me@example.com", "https://me:pw@example.com/", "https://:pw@a.b")
            ),
            ("https://example.com\\@127.0.0.1/", "user name"),
            ("https://example.com/#part", "fragment"),
            *((f"https://example.com:{port}/", "port") for port in (1, 22, 25, 80, 442, 1023, 0)),
            *(
                (f"https://{host}/", "unusual spelling")
                for host in ("2130706433", "0x7f000001", "0x7f.1", "127.1", "1")
            ),
            *(
                (f"https://{host}/", "unusual spelling")
                for host in ("0177.0.0.1", "127.0.0.01", "256.1.1.1", "1.2.3.4.5")
            ),
            *(
                (f"https://{host}/", "private network")
                for host in ("127.0.0.1", "10.1.2.3", "[::1]", "[::ffff:10.0.0.1]")
            ),
            *(
                (f"https://{host}/", "private network")
                for host in ("169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]")
            ),
            *((f"https://{host}/", "domain") for host in ("localhost", "mongo", "metadata")),
            *((f"https://{host}/", "host name") for host in ("a..b", "-a.example", "a b.example", "ex%61mple.com")),
            *((f"https://{host}/", "host name") for host in ("example.com.", ".example.com", "a" * 64 + ".com")),
            ("https://" + "a." * 130 + "com", "host name"),
            ("https:///path", "host name"),
        ],
    )
    def test_invalid_url_is_refused(self, url: str, because: str) -> None:
        with pytest.raises(UrlError, match=f"{because}|not a URL"):
            parse_url(url, private=False)

    @given(st.text(max_size=60).map(lambda text: f"https://{text}") | st.text(max_size=60))
    def test_any_text_is_parsed_or_refused(self, url: str) -> None:
        try:
            parsed = parse_url(url, private=False)
        except UrlError:
            return
        assert parsed.scheme == "https"
        assert not parsed.userinfo
        assert "." in parsed.host or ":" in parsed.host

    def test_long_host_is_refused_quickly(self) -> None:
        """The pattern of host names does not backtrack."""
        with pytest.raises(UrlError):
            parse_url("https://" + "a" * 900 + "!/", private=False)

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:80/", "http://localhost:8080", "https://[::1]:25/", "http://mongo"]
    )
    def test_private_setting_allows_any_host(self, url: str) -> None:
        assert str(parse_url(url, private=True)) == str(httpx.URL(url))


class Names:
    """Resolves to scripted addresses, one entry a lookup; the last repeats."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 -- a resolver is told both
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class TestConnections:
    @given(private_4, st.booleans())
    async def test_name_with_a_private_address_is_refused(self, address: Address, first: bool) -> None:  # noqa: FBT001
        answers = [str(address), "1.1.1.1"] if first else ["1.1.1.1", str(address)]
        backend = GuardedBackend(Names(answers), is_public)
        with pytest.raises(AddressError, match="private network"):
            await backend.connect_tcp("example.com", 443, timeout=0.001)

    @pytest.mark.parametrize("answer", ["fe80::1%1", "::1", "64:ff9b::a00:1", "nonsense"])
    async def test_odd_resolver_results_are_refused(self, answer: str) -> None:
        with pytest.raises(AddressError):
            await GuardedBackend(Names([answer]), is_public).connect_tcp("example.com", 443)

    async def test_name_without_address_is_refused(self) -> None:
        with pytest.raises(AddressError, match="no address"):
            await GuardedBackend(Names([]), is_public).connect_tcp("example.com", 443)

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.0.0.1"])
    async def test_literal_address_is_checked_without_lookup(self, host: str) -> None:
        names = Names(["1.1.1.1"])
        with pytest.raises(AddressError):
            await GuardedBackend(names, is_public).connect_tcp(host, 443)
        assert names.asked == []

    @pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433"])
    async def test_spellings_of_localhost_are_refused(self, host: str) -> None:
        resolve = SystemResolver()
        try:
            with pytest.raises(AddressError):
                await GuardedBackend(resolve, is_public).connect_tcp(host, 443)
        finally:
            resolve.close()

    @pytest.mark.parametrize("host", ["nothing.invalid", "a" * 70 + ".com", "\udc80"])
    async def test_unknown_name_is_refused(self, host: str) -> None:
        resolve = SystemResolver()
        try:
            with pytest.raises(AddressError, match="cannot be resolved"):
                await GuardedBackend(resolve, is_public).connect_tcp(host, 443)
        finally:
            resolve.close()

    async def test_connection_uses_the_checked_address(self) -> None:
        """DNS rebinding: the name server first returns a valid address, then a local one.

        127.0.0.2 stands for a public address. The system cannot resolve the name.
        """
        forbidden = IPv4Address("127.0.0.1")
        async with receiving("127.0.0.2") as good, receiving("127.0.0.1", good.port) as ours:
            names = Names(["127.0.0.2"], ["127.0.0.1"])
            backend = GuardedBackend(names, lambda address: address != forbidden)
            async with httpcore.AsyncConnectionPool(network_backend=backend, max_keepalive_connections=0) as pool:
                url = f"http://rebinding.invalid:{good.port}/"
                response = await pool.request("POST", url, content=b"{}")
                assert (response.status, names.asked) == (200, ["rebinding.invalid"])
                with pytest.raises(AddressError):
                    await pool.request("POST", url, content=b"{}")
            assert good.requests[0].headers["host"] == f"rebinding.invalid:{good.port}"
            assert (good.connections, ours.connections) == (1, 0)

    async def test_connection_tries_the_next_address(self) -> None:
        async with receiving("127.0.0.3") as up:
            backend = GuardedBackend(Names(["127.0.0.2", "127.0.0.3"]), lambda _: True)
            stream = await backend.connect_tcp("two.invalid", up.port)
            await stream.aclose()
        with pytest.raises(httpcore.ConnectError):
            await backend.connect_tcp("two.invalid", up.port)


@pytest.fixture
def sends() -> Iterator[Callable[..., WebhookSender]]:
    def make(names: Names, trust: ssl.SSLContext | None = None, *, private: bool = True) -> WebhookSender:
        return WebhookSender(WebhookSettings(private_addresses=private, timeout_s=2), names, trust)

    return make


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirect_is_not_followed(self, sends: Callable[..., WebhookSender], status: int) -> None:
        async with receiving() as target, receiving() as first:
            first.behaviours = [answering(status, Location=target.url)]
            outcome = await sends(Names(["127.0.0.1"])).post(f"http://first.example:{first.port}/", {}, b"{}")
            assert (outcome.status, target.connections) == (status, 0)

    async def test_private_address_gets_no_connection(self, sends: Callable[..., WebhookSender]) -> None:
        async with receiving() as ours:
            sender = sends(Names(["127.0.0.1"]), private=False)
            outcome = await sender.post(f"https://inside.example:{ours.port}/", {}, b"{}")
            assert outcome.error == "The host has an address in a private network."
            outcome = await sender.post(f"https://127.0.0.1:{ours.port}/", {}, b"{}")
            assert outcome.error == "The URL leads into a private network."
            outcome = await sender.post(ours.url, {}, b"{}")
            assert outcome.error == "The URL does not begin with https://."
            assert ours.connections == 0

    async def test_environment_proxies_are_ignored(
        self, sends: Callable[..., WebhookSender], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with receiving() as proxy, receiving() as target:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, proxy.url)
            outcome = await sends(Names(["127.0.0.1"])).post(f"http://hooks.example:{target.port}/", {}, b"{}")
            assert (outcome.status, proxy.connections) == (200, 0)


SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Issues certificates as an authority of this test."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])
        self._certificate = self._issue(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), SIGNS)

    def _issue(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        identifiers = (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        )
        for extension in (*extensions, *identifiers):
            builder = builder.add_extension(
                extension, critical=isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            )
        return builder.sign(self._key, SHA256())

    def server(self, host: str) -> ssl.SSLContext:
        key, path = ec.generate_private_key(ec.SECP256R1()), self._folder / f"{host}.pem"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._issue(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._certificate.public_bytes(Encoding.PEM).decode())


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    async def test_certificate_is_checked_against_the_name(
        self, authority: Authority, sends: Callable[..., WebhookSender]
    ) -> None:
        server_names: list[str | None] = []
        tls = authority.server("hooks.example")
        tls.sni_callback = lambda _socket, name, _context: server_names.append(name)
        async with receiving(tls=tls) as receiver:
            sender = sends(Names(["127.0.0.1"]), authority.trust())
            outcome = await sender.post(f"https://hooks.example:{receiver.port}/a", {"x": "y"}, b"{}")
            assert (outcome.status, outcome.error, outcome.answer) == (200, None, "ok")
            assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"
            assert server_names == ["hooks.example"]
            await sender.close()

    async def test_certificate_of_another_name_is_refused(
        self, authority: Authority, sends: Callable[..., WebhookSender]
    ) -> None:
        async with receiving(tls=authority.server("another.example")) as receiver:
            sender = sends(Names(["127.0.0.1"]), authority.trust())
            outcome = await sender.post(f"https://hooks.example:{receiver.port}/", {}, b"{}")
            assert outcome.status is None
            assert "hooks.example" in (outcome.error or "")
            assert receiver.requests == []

    async def test_unknown_authority_is_refused(
        self, authority: Authority, sends: Callable[..., WebhookSender]
    ) -> None:
        async with receiving(tls=authority.server("hooks.example")) as receiver:
            outcome = await sends(Names(["127.0.0.1"])).post(f"https://hooks.example:{receiver.port}/", {}, b"{}")
            assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
            assert receiver.requests == []
