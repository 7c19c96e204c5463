"""The sections of settings about people: accounts, barbers, limits of requests, privacy, audit."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    signing_key: Annotated[
        str,
        Meta(
            description="Ed25519 private key in PEM that signs access tokens; `grome run` makes one and keeps it.",
            extra={"secret": True},
        ),
    ] = ""
    access_ttl_s: Annotated[int, Meta(ge=30, le=3_600, description="Life of an access token in seconds.")] = 900
    old_signing_keys: Annotated[
        str,
        Meta(
            description="Earlier signing keys in PEM, one after the other: their tokens stay good until they expire.",
            extra={"secret": True},
        ),
    ] = ""
    secrets_keys: Annotated[
        str,
        Meta(
            description="Keys that links, codes and stored secrets are derived from, as <number>:<32 bytes in base64>,"
            " separated by commas. The first makes new ones, all read; `grome run` makes one and keeps it.",
            extra={"secret": True},
        ),
    ] = ""
    pepper: Annotated[
        str,
        Meta(
            description="Keys of password hashes in the form of the secrets keys; a login renews the hash under the"
            " first. A first entry 0 keeps new hashes readable for releases without peppers. `grome run` makes one.",
            extra={"secret": True},
        ),
    ] = ""
    idle_ttl_s: Annotated[
        int, Meta(ge=3_600, le=7_776_000, description="A session that was not used for so many seconds ends.")
    ] = 30 * 86_400
    session_ttl_s: Annotated[
        int, Meta(ge=3_600, le=31_536_000, description="A session ends so many seconds after its login in any case.")
    ] = 90 * 86_400
    bcrypt_rounds: Annotated[
        int, Meta(ge=4, le=16, description="Work factor of password hashes; under 12 only in tests.")
    ] = 12
    password_queue: Annotated[
        int,
        Meta(ge=1, le=10_000, description="Passwords that one process checks or keeps waiting; more are answered 503."),
    ] = 16
    require_second_factor: Annotated[
        bool, Meta(description="Admins, and barbers before payouts, need a second factor; off for trials only.")
    ] = True
    country_database: Annotated[
        str, Meta(description="File in MaxMind's format with the countries of addresses; unset, none is known.")
    ] = ""
    breached_passwords_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+)?$(?!\n)",
            description="Service that tells breached passwords by the first five digits of their SHA-1; unset, none is"
            " asked.",
            extra={"form": "a URL that begins with https:// or http://"},
        ),
    ] = ""
    passkey_host: Annotated[
        str, Meta(description="Host name that passkeys are bound to; unset, the host of the app's or API's URL.")
    ] = ""


class BarberSettings(Struct, frozen=True, forbid_unknown_fields=True):
    approval: Annotated[
        Literal["admin", "automatic"],
        Meta(description="Barbers are found once an admin has approved them; automatic, at once, for trials only."),
    ] = "admin"
    keep_documents_days: Annotated[
        int, Meta(ge=0, le=3_650, description="Documents are deleted so long after a barber was approved or rejected.")
    ] = 30


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests of one account, or of one address where no account is known."""

    read: Annotated[
        int, Meta(ge=1, le=10**7, description="Requests a minute that only read, by account or address.")
    ] = 1_200
    write: Annotated[int, Meta(ge=1, le=10**7, description="Requests a minute that change something.")] = 240
    search: Annotated[
        int, Meta(ge=1, le=10**7, description="Searches a minute: barbers around a point, by text, and free times.")
    ] = 600
    sign_in: Annotated[int, Meta(ge=1, le=10**7, description="Registrations and sign-ins a minute, by address.")] = 60
    codes: Annotated[
        int, Meta(ge=1, le=10**7, description="Codes by mail or text that are asked for in 15 minutes, by address.")
    ] = 30
    costly: Annotated[int, Meta(ge=1, le=10**7, description="Reports, exports, series and uploads a minute.")] = 30
    failed_sign_ins: Annotated[
        int,
        Meta(
            ge=1,
            le=10**7,
            description="Wrong passwords for an account in 15 minutes from one known device or network.",
        ),
    ] = 10
    failed_sign_ins_account: Annotated[
        int,
        Meta(ge=1, le=10**7, description="The same from all networks; known devices have their own numbers."),
    ] = 50
    failed_sign_ins_network: Annotated[
        int, Meta(ge=1, le=10**7, description="Wrong passwords in 15 minutes from one network for all accounts.")
    ] = 300


class PrivacySettings(Struct, frozen=True, forbid_unknown_fields=True):
    export_max_mb: Annotated[
        int, Meta(ge=1, le=65_536, description="Photos and documents in one export of personal data, in MiB at most.")
    ] = 1_024
    erase_after_min: Annotated[
        int,
        Meta(ge=0, le=43_200, description="A deleted account is erased so many minutes later."),
    ] = 15
    booking_details_days: Annotated[
        int,
        Meta(ge=0, le=36_500, description="Addresses, notes and guests of visits are kept so many days; 0, for ever."),
    ] = 730
    messages_days: Annotated[
        int, Meta(ge=0, le=36_500, description="Messages are kept for so many days after the visit; 0, for ever.")
    ] = 730
    message_reports_days: Annotated[
        int, Meta(ge=0, le=36_500, description="Decided reports of messages are kept for so many days; 0, for ever.")
    ] = 180


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True):
    address_days: Annotated[
        int,
        Meta(
            ge=31,
            le=3_650,
            description="Addresses of clients can be read in the audit trail for so many days; their key is destroyed"
            " within the next 31.",
        ),
    ] = 180
