"""Uploads of files."""

from grome.infrastructure.container import Container, Providers
from grome.infrastructure.images.encoder import ImageEncoder
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.storage.protocol import Storage
from grome.uploads.repository import UploadRepository
from grome.uploads.service import UploadService

uploads = Providers()


@uploads.provide
def upload_service(container: Container) -> UploadService:
    get = container.get
    repository = UploadRepository(container.database)
    return UploadService(repository, get(Storage), get(ImageEncoder), get(Budgets), container.clock)


@uploads.provide
def image_encoder(_: Container) -> ImageEncoder:
    return ImageEncoder()
