"""Jobs of the audit trail."""

from typing import Any

from loguru import logger

from grome.audit.address_keys import AddressKeys
from grome.audit.heads import AuditHeads
from grome.infrastructure.container import Container
from grome.infrastructure.person_keys.service import PersonKeys


async def sign_audit_head(job: dict[str, Any]) -> None:
    """Sign the end of the audit trail; runs every minute."""
    container: Container = job["container"]
    await container.get(AuditHeads).sign()


async def renew_audit_keys(job: dict[str, Any]) -> None:
    """Sign heads and seal keys of persons and months by the current keys, so that former keys can be removed.

    Runs daily. Logs the head of the trail too, since a copy of it outside the database shows whether the trail was cut.
    """
    container: Container = job["container"]
    heads = container.get(AuditHeads)
    head = await heads.sign()
    logger.info("The audit trail ends at {}:{}", head.seq, head.hash.hex())
    if renewed := await heads.renew():
        logger.info("{} heads of the audit trail were signed by the current key", renewed)
    if sealed := await container.get(PersonKeys).reseal():
        logger.info("{} keys of persons were sealed by the current key", sealed)
    if sealed := await container.get(AddressKeys).reseal():
        logger.info("{} keys of addresses were sealed by the current key", sealed)


async def destroy_address_keys(job: dict[str, Any]) -> None:
    """Destroy the keys of expired months, and with them the addresses of these months; runs daily."""
    container: Container = job["container"]
    if destroyed := await container.get(AddressKeys).destroy_expired():
        logger.info("The addresses of {} months in the audit trail are erased", destroyed)
