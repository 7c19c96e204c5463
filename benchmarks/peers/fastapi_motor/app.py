"""The FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio import BlockingConnectionPool, Redis

from benchmarks.peers.fastapi_motor import barbers, bookings
from benchmarks.peers.fastapi_motor.problems import Problem, answer_invalid, answer_problem
from benchmarks.peers.fastapi_motor.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        mongo: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            settings.mongo_url, w="majority", journal=True, tz_aware=True, uuidRepresentation="standard"
        )
        app.state.public_key = load_pem_public_key(settings.public_key.encode())
        app.state.database = mongo[settings.database]
        app.state.redis = Redis.from_pool(BlockingConnectionPool.from_url(settings.redis_url))
        await app.state.database[bookings.COLLECTION].create_indexes(bookings.INDEXES)
        yield
        await app.state.redis.aclose()
        mongo.close()

    app = FastAPI(title="Peer", lifespan=lifespan)
    app.include_router(barbers.router)
    app.include_router(bookings.router)
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    return app
