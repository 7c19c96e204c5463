"""A process that is killed between the claim on a key and the insert of the booking.

`python -m tests.bookings.claim_and_die CUSTOMER KEY BODY` creates a booking on the servers of the environment.
"""

import asyncio
import os
import signal
import sys
from uuid import UUID

import msgspec

from config.loading import load_settings
from grome.bookings.create import BookingCreator
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn
from grome.common.actor import Actor, Role
from grome.composition import open_container


async def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(customer_id: UUID, key: str, body: str) -> None:
    container = await open_container(load_settings(os.environ))
    BookingRepository.insert = _die  # type: ignore[method-assign, assignment]
    wanted = msgspec.json.decode(body, type=BookingIn)
    await container.get(BookingCreator).create(Actor(customer_id, Role.CUSTOMER, customer_id), wanted, key)


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), sys.argv[2], sys.argv[3]))
