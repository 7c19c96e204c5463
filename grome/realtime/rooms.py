"""Names of rooms, as clients and the server write them."""

from typing import Final
from uuid import UUID

from grome.common.errors import Invalid

USER: Final = "user"


def user_room(account_id: UUID) -> str:
    return f"user:{account_id}"


def booking_room(booking_id: UUID) -> str:
    return f"booking:{booking_id}"


def shop_room(barber_id: UUID) -> str:
    return f"shop:{barber_id}"


def area_room(cell: str) -> str:
    return f"area:{cell}"


def parse_room(text: str, account_id: UUID) -> str:
    """Return the server's name of a room that a client names; `user` is the room of the client's own account.

    Raises Invalid for a name of no room.
    """
    if text == USER:
        return user_room(account_id)
    kind, _, key = text.partition(":")
    match kind:
        case "booking" | "shop" if _is_uuid(key):
            return text
        case "area" if _is_cell(key):
            return text
        case _:
            raise Invalid("room", "is not `user`, `booking:<id>`, `shop:<barber id>` or `area:<cell>`")


def wire_name(name: str, account_id: UUID) -> str:
    """Return the name that the client of the account uses for a room."""
    return USER if name == user_room(account_id) else name


def _is_uuid(text: str) -> bool:
    """Return whether the text is a UUID in the one form that names of rooms have."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_cell(text: str) -> bool:
    return len(text) == 15 and text.islower() and all(digit in "0123456789abcdef" for digit in text)  # noqa: PLR2004
