"""Name the demo accounts that people sign in as, one of each role."""

from typing import Final

from msgspec import Struct

from grome.common.actor import Role

DOMAIN: Final = "demo.grome.example"  # RFC 2606 keeps .example free, so no mail ever reaches anybody
DEMO_PASSWORD: Final = "grome-demo"  # noqa: S105 -- known on purpose; production refuses accounts that have it
ADMIN_EMAIL: Final = f"admin@{DOMAIN}"
DEMO_ACCOUNTS: Final = {
    Role.CUSTOMER: f"customer-1@{DOMAIN}",
    Role.BARBER: f"barber-berlin-1@{DOMAIN}",
    Role.ADMIN: ADMIN_EMAIL,
}


class DemoAccount(Struct, frozen=True):
    """Holds all that a sign-in needs."""

    role: Role
    email: str
    password: str


class DemoAccountList(Struct, frozen=True):
    accounts: list[DemoAccount]
