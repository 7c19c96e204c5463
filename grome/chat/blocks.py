"""Block accounts, so that neither side can write to the other."""

from uuid import UUID

from grome.accounts.service import AccountService
from grome.bookings.queries import BookingQueries
from grome.chat.errors import TooManyBlocks
from grome.chat.models import Block
from grome.chat.repository import AfterBlock, BlockRepository
from grome.chat.schemas import BlockOut, BlockPage
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor


class BlockService:
    def __init__(
        self, blocks: BlockRepository, bookings: BookingQueries, accounts: AccountService, clock: Clock
    ) -> None:
        self._blocks, self._bookings, self._accounts, self._clock = blocks, bookings, accounts, clock

    async def put(self, actor: Actor, account_id: UUID) -> None:
        """Block an account; a repeat changes nothing.

        Raises NotFound if the two share no booking, or TooManyBlocks.
        """
        await self._require_shared_booking(actor, account_id)
        block = Block(id=new_id(), owner_id=actor.id, blocked_id=account_id, slot=0, created_at=self._clock())
        if not await self._blocks.add(block):
            raise TooManyBlocks

    async def remove(self, actor: Actor, account_id: UUID) -> None:
        """End the actor's block of an account, if there is one.

        Raises NotFound if there is none and the two share no booking.
        """
        if not await self._blocks.remove(actor.id, account_id):
            await self._require_shared_booking(actor, account_id)

    async def list_page(self, actor: Actor, query: PageQuery) -> BlockPage:
        after = decode_cursor(query.cursor, AfterBlock)
        found = await self._blocks.list_page(actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterBlock(row.id))
        names = await self._accounts.find_names({block.blocked_id for block in page})
        return BlockPage(
            [BlockOut(block.blocked_id, names.get(block.blocked_id, ""), block.created_at) for block in page],
            next_cursor,
        )

    async def _require_shared_booking(self, actor: Actor, account_id: UUID) -> None:
        if not await self._bookings.share_booking(actor, account_id):
            raise NotFound
