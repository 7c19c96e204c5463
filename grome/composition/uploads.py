"""Uploads of files."""

from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.storage.protocol import Storage
from grome.uploads.repository import UploadRepository
from grome.uploads.service import UploadService

uploads = Providers()


@uploads.provide
def upload_service(container: Container) -> UploadService:
    get = container.get
    return UploadService(UploadRepository(container.database), get(Storage), get(Budgets), container.clock)
