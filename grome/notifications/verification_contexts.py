"""Load the facts of messages about verifications."""

from typing import Final

from grome.notifications.message_context import MessageContext
from grome.notifications.models import Notification, VerificationFacts, VerificationResult
from grome.notifications.recipients import Recipient
from grome.verification.models import State
from grome.verification.service import VerificationService

_RESULTS: Final[dict[State, VerificationResult]] = {
    State.APPROVED: "approved",
    State.REJECTED: "rejected",
    State.ASKED_AGAIN: "asked_again",
}


class VerificationContexts:
    def __init__(self, verifications: VerificationService, app_base: str) -> None:
        self._verifications, self._app_base = verifications, app_base

    async def find(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the context; None if the barber has sent documents, or an admin has decided, since."""
        verification = await self._verifications.find(notification.subject_id)
        if verification is None or verification.version != notification.version:
            return None
        facts = VerificationFacts(
            name=recipient.user.name,
            result=_RESULTS[verification.state],
            link=f"{self._app_base}/account",
            notes=verification.notes or None,
        )
        key = f"{verification.id}#{verification.version}"
        return MessageContext(recipient=recipient, kind=notification.kind, facts=facts, dedupe_key=key)
