"""The floor of creating a booking: a bare Sanic that does one majority, journaled insert a request and checks nothing.

`python -m benchmarks.floors.raw_insert` takes FLOOR_PORT, FLOOR_MONGO_URL and FLOOR_DATABASE from the environment. It
writes into `floor_bookings`, which has neither a validator nor an index beside that of `_id`.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo import AsyncMongoClient
from sanic import HTTPResponse, Request, Sanic
from sanic import json as json_answer

App = Sanic[Any, Any]
Document = dict[str, Any]
COLLECTION = "floor_bookings"
PATH = "/v1/bookings"
SOMEBODY = UUID(int=1)
START = datetime(2030, 1, 1, 9, tzinfo=UTC)
FIRST_TICK = 6_312_000
# A booking as Grome stores one: half an hour, one service, one entry in its history.
BOOKING: Document = {
    "customer_id": SOMEBODY,
    "barber_id": SOMEBODY,
    "services": [{"service_id": SOMEBODY, "name": "Haircut", "price": 3000, "duration_min": 30}],
    "scheduled_at": START,
    "ends_at": START + timedelta(minutes=30),
    "ticks": list(range(FIRST_TICK, FIRST_TICK + 6)),
    "active": True,
    "status": "requested",
    "reason": None,
    "price": 3000,
    "currency": "EUR",
    "payment": {"status": "pending", "amount": 3000, "currency": "EUR"},
    "version": 1,
    "answer_by": START,
    "idempotency": {"key": "0" * 36, "fingerprint": bytes(32)},
    "history": [
        {
            "id": SOMEBODY,
            "version": 1,
            "action": "create",
            "status": "requested",
            "by": "customer",
            "actor_id": SOMEBODY,
            "at": START,
            "reason": None,
            "note": None,
        }
    ],
    "created_at": START,
}


def create_app(mongo_url: str, database: str) -> App:
    app: App = Sanic("floor", configure_logging=False)
    app.config.AUTO_EXTEND = False

    @app.before_server_start
    async def open_mongo(app: App) -> None:
        app.ctx.mongo = AsyncMongoClient(mongo_url, w="majority", journal=True, uuidRepresentation="standard")
        app.ctx.bookings = app.ctx.mongo[database][COLLECTION]

    @app.after_server_stop
    async def close_mongo(app: App) -> None:
        await app.ctx.mongo.close()

    @app.post(PATH)
    async def insert(request: Request) -> HTTPResponse:
        inserted = await request.app.ctx.bookings.insert_one(dict(BOOKING))
        return json_answer({"id": str(inserted.inserted_id)}, 201)

    return app


if __name__ == "__main__":
    floor = create_app(os.environ["FLOOR_MONGO_URL"], os.environ["FLOOR_DATABASE"])
    floor.run("127.0.0.1", int(os.environ["FLOOR_PORT"]), single_process=True, access_log=False, motd=False)
