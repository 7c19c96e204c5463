"""Sign the end of the chain once a minute; the last head of each day stays."""

from typing import Final

import msgspec

from grome.audit.chain_check import ChainCheck
from grome.audit.models import LAST_SETTLING_HEAD, AuditHead, EarlierRecords
from grome.audit.repository import AuditHeadRepository, AuditRepository
from grome.common.clock import Clock
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal
from grome.infrastructure.secret_keys import Macs
from grome.infrastructure.signing_keys import SigningKeys

_PURPOSE: Final = "grome audit head 1"


class BrokenChainError(Exception):
    """The stored trail is not the trail that was signed before; `grome audit verify` tells more."""


class AuditHeads:
    """Signs a head only if the chain continues the chain of the head before it, by records that Grome made."""

    def __init__(
        self, records: AuditRepository, heads: AuditHeadRepository, keys: SigningKeys, macs: Macs, clock: Clock
    ) -> None:
        self._records, self._heads, self._keys, self._macs, self._clock = records, heads, keys, macs, clock

    async def sign(self) -> AuditHead:
        """Sign the end of the chain as the head of today. Raises BrokenChainError."""
        before, end = await self._heads.find_newest(), await self._records.get_end()
        today = self._clock().date().isoformat()
        if before is None:
            number, earlier = 1, await self._records.describe_earlier()
        else:
            number = before.number + (today > before.day)
            earlier = await self._earlier(number, before.earlier)
            today = max(today, before.day)
        await self._check_since(before, end)
        now = self._clock()
        head = AuditHead(day=today, number=number, seq=end.seq, hash=end.hash, earlier=earlier, signed_at=now)
        await self._heads.put(signed := self._signed(head))
        return signed

    async def _earlier(self, number: int, known: EarlierRecords) -> EarlierRecords:
        """Return the records from before the chain. Processes of a release without a chain can add more for a time."""
        if number > LAST_SETTLING_HEAD or not known.count:
            return known
        return await self._records.describe_earlier() if await self._records.have_grown_outside(known) else known

    async def renew(self) -> int:
        """Sign heads anew that are not signed by the current key; returns their number.

        Afterwards the former signing key can be removed. Raises BrokenChainError for a head with a wrong signature.
        """
        count = 0
        for head in await self._heads.list_all():
            if head.key_id != self._keys.kid:
                if not is_head_signed(head, self._keys):
                    raise BrokenChainError(f"the head of {head.day} has a wrong signature")
                await self._heads.put(self._signed(head))
                count += 1
        return count

    def _signed(self, head: AuditHead) -> AuditHead:
        return msgspec.structs.replace(head, key_id=self._keys.kid, signature=self._keys.sign(_signed_bytes(head)))

    async def _check_since(self, before: AuditHead | None, end: Seal) -> None:
        """Check the records after a head, before a new head is signed over them."""
        start = Seal(before.seq, b"", before.hash) if before else GENESIS
        if before and not is_head_signed(before, self._keys):
            raise BrokenChainError(f"the head of {before.day} has a wrong signature")
        if end.seq < start.seq or (end.seq == start.seq and end.hash != start.hash):
            raise BrokenChainError(f"record {start.seq} is not the record that was signed")
        check = ChainCheck({}, start.seq, self._macs, start)
        async for batch in self._records.scan(start.seq + 1, end.seq):
            check.add(batch)
        check.finish(end.seq)
        if check.findings.kept:
            raise BrokenChainError(check.findings.kept[0].detail)


def is_head_signed(head: AuditHead, keys: SigningKeys) -> bool:
    return keys.is_signed(_signed_bytes(head), head.signature, head.key_id)


def _signed_bytes(head: AuditHead) -> bytes:
    earlier = head.earlier
    signed_at = int(head.signed_at.timestamp() * 1000)
    return msgspec.json.encode(
        [_PURPOSE, head.day, head.number, head.seq, head.hash, earlier.count, earlier.digest, signed_at]
    )
