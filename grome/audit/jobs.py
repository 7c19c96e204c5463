"""Jobs of the audit trail."""

from typing import Any

from loguru import logger

from grome.audit.heads import AuditHeads
from grome.infrastructure.container import Container
from grome.infrastructure.person_keys.service import PersonKeys


async def sign_audit_head(job: dict[str, Any]) -> None:
    """Sign the end of the audit trail; runs every minute."""
    container: Container = job["container"]
    await container.get(AuditHeads).sign()


async def renew_audit_keys(job: dict[str, Any]) -> None:
    """Sign heads and seal the keys of persons by the current keys, so that former keys can be removed.

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
