"""Declare the personal data of uploads, and export and erase the files."""

from collections.abc import AsyncIterator
from typing import Final

from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import Exported, ExportedFile, Person
from grome.uploads.models import EXTENSIONS
from grome.uploads.repository import COLLECTION
from grome.uploads.service import UploadService

_UPLOADS: Final = PersonalCollection(
    spec=COLLECTION,
    shares=(
        Share(
            owner="owner_id",
            fate=Fate.ERASED,
            exported=("_id", "purpose", "content_type", "size", "state", "created_at"),
        ),
    ),
    internal=frozenset({"slot", "copies", "file_key", "images", "used_by", "expires_at"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (_UPLOADS,)


class UploadData(PersonalDocuments):
    """The uploads of a person with their files."""

    def __init__(self, database: Database, uploads: UploadService) -> None:
        super().__init__(database, _UPLOADS)
        self._uploads = uploads

    async def export(self, person: Person) -> AsyncIterator[Exported]:
        async for record in super().export(person):
            yield record
        async for upload in self._uploads.iter_owned(person.id):
            if upload.file_key is not None:
                yield ExportedFile(f"files/{upload.id}.{EXTENSIONS[upload.stored_type]}", upload.file_key)

    async def erase(self, person: Person) -> None:
        async for upload in self._uploads.iter_owned(person.id):
            await self._uploads.erase(upload)
