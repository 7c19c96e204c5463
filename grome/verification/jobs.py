"""Jobs of verifications."""

from typing import Any

from grome.infrastructure.container import Container
from grome.verification.documents import VerificationDocuments


async def remove_old_documents(saq: dict[str, Any]) -> None:
    """Delete replaced documents, and documents some days after their decision; runs every hour."""
    container: Container = saq["container"]
    await container.get(VerificationDocuments).remove_old()
