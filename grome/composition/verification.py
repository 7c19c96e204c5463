"""Verification of barbers."""

from datetime import timedelta

from grome.barbers.service import BarberService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.transactions import Transactions
from grome.uploads.service import UploadService
from grome.verification.documents import VerificationDocuments
from grome.verification.repository import VerificationRepository
from grome.verification.service import VerificationService

verification = Providers()


@verification.provide
def verification_repository(container: Container) -> VerificationRepository:
    return VerificationRepository(container.database)


@verification.provide
def verification_documents(container: Container) -> VerificationDocuments:
    get, kept_for = container.get, timedelta(days=container.settings.barbers.keep_documents_days)
    return VerificationDocuments(get(VerificationRepository), get(UploadService), kept_for, container.clock)


@verification.provide
def verification_service(container: Container) -> VerificationService:
    get = container.get
    return VerificationService(
        get(VerificationRepository),
        get(VerificationDocuments),
        get(BarberService),
        get(Transactions),
        get(Budgets),
        container.clock,
    )
