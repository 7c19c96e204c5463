"""Review visits, given as `<customer>:<booking>`, as fast as possible, until the process is killed."""

import asyncio
import os
import sys
from random import Random
from uuid import UUID

from config.loading import load_settings
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.composition import open_container
from grome.reviews.schemas import ReviewIn
from grome.reviews.service import ReviewService


async def main(visits: list[str]) -> None:
    container, chance = await open_container(load_settings(os.environ)), Random()  # noqa: S311 -- no secret
    stars = [ReviewIn(rating) for rating in range(1, 6)]

    async def live(visit: str) -> None:
        customer_id, _, booking_id = visit.partition(":")
        actor = Actor(UUID(customer_id), Role.CUSTOMER, new_id())
        await container.get(ReviewService).post(actor, UUID(booking_id), chance.choice(stars), None)
        await container.get(ReviewService).edit(actor, UUID(booking_id), chance.choice(stars))
        if chance.random() < 0.5:
            await container.get(ReviewService).remove(actor, UUID(booking_id))

    chance.shuffle(visits)
    for begin in range(0, len(visits), 40):
        await asyncio.gather(*map(live, visits[begin : begin + 40]))


asyncio.run(main(sys.argv[1:]))
