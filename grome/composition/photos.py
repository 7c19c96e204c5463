"""Photos of barbers."""

from grome.barbers.service import BarberService
from grome.infrastructure.container import Container, Providers
from grome.photos.repository import PortfolioRepository
from grome.photos.service import PhotoService
from grome.uploads.service import UploadService

photos = Providers()


@photos.provide
def photo_service(container: Container) -> PhotoService:
    get, settings = container.get, container.settings
    public_base = settings.storage.public_url or f"{settings.http.api_base}/v1"
    return PhotoService(
        PortfolioRepository(container.database), get(UploadService), get(BarberService), public_base, container.clock
    )
