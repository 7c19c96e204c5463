"""Users and their login sessions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.actor import Role
from grome.common.text import END, ONE_LINE

# Deliberately loose: only a message that arrives proves an address. It keeps out what no mail server could carry.
Email = Annotated[
    str,
    Meta(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)+" + END),
]
Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}" + END, description="E.164, e.g. +4930123456.")]
PersonName = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]


class NotificationPreferences(Struct, frozen=True):
    email: bool = True
    push: bool = True
    sms: bool = False


class Preferences(Struct, frozen=True):
    notifications: NotificationPreferences = NotificationPreferences()
    language: str = "en"
    timezone: str = "UTC"


class User(Struct, frozen=True, kw_only=True):
    """A person's account. At least one of `email` (in lower case) and `phone` is set."""

    id: UUID = field(name="_id")
    email: str | None = None
    phone: str | None = None
    password_hash: str
    name: str
    role: Role
    email_verified: bool = False
    phone_verified: bool = False
    preferences: Preferences = Preferences()
    created_at: datetime


class Device(Struct, frozen=True):
    """What the client and the connection tell of a device."""

    id: str | None = None
    name: str | None = None
    platform: str | None = None
    user_agent: str | None = None
    ip: str | None = None


class LoginSession(Struct, frozen=True, kw_only=True):
    """One device's login: a family of refresh tokens of which only the newest is good.

    Hashes are SHA-256 of the token's secret part. `previous_hash` is the parent's, whose bearer gets the same child
    again for some seconds after `rotated_at`: a lost answer is not theft.
    """

    id: UUID = field(name="_id")
    user_id: UUID
    role: Role
    token_hash: bytes
    previous_hash: bytes | None = None
    rotated_at: datetime
    device: Device
    first_seen: datetime
    last_seen: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_why: str | None = None
