"""The sections of settings about messages, webhooks and live connections."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class MailSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["folder", "smtp"], Meta(description="Where mail goes: a folder of this machine, or a mail server.")
    ] = "folder"
    sender: Annotated[str, Meta(min_length=3, description="The From of every mail.")] = "Grome <no-reply@grome.invalid>"
    host: Annotated[str, Meta(description="The mail server.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the mail server.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection to the mail server is encrypted.")
    ] = "starttls"
    username: Annotated[str, Meta(description="Account at the mail server; empty, none is needed.")] = ""
    password: Annotated[str, Meta(description="Its password.", extra={"secret": True})] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="A mail server that takes longer is given up.")] = 15.0
    news_a_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Mails a day to one address, codes and security apart.")
    ] = 500
    unverified_news_a_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="The same for an address that nobody has verified.")
    ] = 50


class PushSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["log", "fcm"], Meta(description="Where push messages go: a log of this machine, or FCM.")
    ] = "log"
    service_account: Annotated[
        str, Meta(description="JSON of the Google service account that may send.", extra={"secret": True})
    ] = ""
    url: Annotated[str, Meta(description="FCM's HTTP v1 API.")] = "https://fcm.googleapis.com"
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="FCM is given up after so long.")] = 10.0


class SmsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["log", "sns"], Meta(description="Where text messages go: a log of this machine, or Amazon SNS.")
    ] = "log"
    region: Annotated[str, Meta(description="SNS's region; credentials are found as every AWS client finds them.")] = (
        "eu-central-1"
    )
    url: Annotated[str, Meta(description="Another address of SNS than the region's own.")] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="SNS is given up after so long.")] = 10.0
    unverified: Annotated[
        bool,
        Meta(description="Also text numbers that nobody has verified, if the account wants texts; for trials only."),
    ] = False


class WebhookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    private_addresses: Annotated[
        bool, Meta(description="Also send to addresses of private networks and over plain HTTP; for trials only.")
    ] = False
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="A receiver that takes longer has failed.")] = 15.0


class LiveSettings(Struct, frozen=True, forbid_unknown_fields=True):
    origins: Annotated[
        str,
        Meta(
            description="Web origins that may open live connections, separated by commas; unset, the API's own and the"
            " app's. Clients that send no Origin, as mobile apps, are always admitted."
        ),
    ] = ""
    heartbeat_s: Annotated[
        int, Meta(ge=5, le=300, description="A live connection gets a ping so often; without a sign of life it ends.")
    ] = 25
    life_s: Annotated[
        int, Meta(ge=60, le=604_800, description="A live connection is asked to reconnect after so long.")
    ] = 6 * 3_600
    max_buffer_bytes: Annotated[
        int, Meta(ge=16_384, le=2**24, description="A live connection with more unsent bytes is cut off as too slow.")
    ] = 262_144
    max_message_bytes: Annotated[
        int, Meta(ge=1_024, le=2**20, description="Largest message that a live connection may send.")
    ] = 16_384
    light_sockets: Annotated[
        bool, Meta(description="Serve WebSockets by the light protocol; off, by Sanic's own, which takes more memory.")
    ] = True
    drain_per_s: Annotated[
        int, Meta(ge=1, le=100_000, description="Live connections that a stopping process moves away in a second.")
    ] = 2_000
