"""Settings from the environment, all required: PEER_MONGO_URL, PEER_DATABASE and so on."""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """`public_key` is the PEM of the Ed25519 key that access tokens are verified with."""

    model_config = ConfigDict(frozen=True)

    mongo_url: str
    database: str
    redis_url: str
    public_key: str
    port: int

    @classmethod
    def from_environment(cls) -> Self:
        """Raises ValidationError naming every variable that is missing or wrong."""
        given = {name: os.environ.get(f"PEER_{name.upper()}") for name in cls.model_fields}
        return cls.model_validate(given)
