"""Nearby without anything kept: a bare Sanic that asks MongoDB for the nearest at every request.

`python -m benchmarks.floors.geo_near` takes FLOOR_PORT, FLOOR_MONGO_URL, FLOOR_DATABASE and FLOOR_PUBLIC_KEY (PEM) from
the environment. It knows position, radius and limit, and remembers tokens as the other floor does. It sends no cursor.
"""

import os
from typing import Any

import msgspec
from msgspec import Struct
from pymongo import AsyncMongoClient
from sanic import HTTPResponse, Request, Sanic

from benchmarks.floors.constant import JSON, PATH
from benchmarks.floors.tokens import RememberedTokens

App = Sanic[Any, Any]
Document = dict[str, Any]
SHOWN = {
    "_id": 0,
    "id": "$_id",
    "name": "$display_name",
    "location": 1,
    "distance_m": 1,
    "rating": 1,
    "reviews_count": 1,
    "is_online": 1,
    "services": 1,
    "currency": 1,
}


class Asked(Struct, frozen=True):
    lat: float
    lng: float
    radius_km: float = 5.0
    limit: int = 20


def create_app(mongo_url: str, database: str, tokens: RememberedTokens) -> App:
    app: App = Sanic("floor", configure_logging=False)
    app.config.AUTO_EXTEND = False

    @app.before_server_start
    async def open_mongo(app: App) -> None:
        app.ctx.mongo = AsyncMongoClient(mongo_url, uuidRepresentation="standard")
        app.ctx.barbers = app.ctx.mongo[database]["barbers"]

    @app.after_server_stop
    async def close_mongo(app: App) -> None:
        await app.ctx.mongo.close()

    @app.get(PATH)
    async def nearby(request: Request) -> HTTPResponse:
        tokens.actor(request)
        asked = msgspec.convert(dict(request.query_args), Asked, strict=False)
        found = await request.app.ctx.barbers.aggregate(_stages(asked))
        items = [_shown(document) async for document in found]
        return HTTPResponse(msgspec.json.encode({"items": items, "next_cursor": None}), content_type=JSON)

    return app


def _stages(asked: Asked) -> list[Document]:
    near = {
        "near": {"type": "Point", "coordinates": [asked.lng, asked.lat]},
        "key": "location",
        "distanceField": "distance_m",
        "maxDistance": asked.radius_km * 1000,
        "spherical": True,
    }
    return [{"$geoNear": near}, {"$limit": asked.limit}, {"$project": SHOWN}]


def _shown(document: Document) -> Document:
    lng, lat = document["location"]["coordinates"]
    currency = document.pop("currency")
    document["location"] = {"lat": lat, "lng": lng}
    document["distance_m"] = round(document["distance_m"], 1)
    document["services"] = [{**offer, "currency": currency} for offer in document["services"]]
    return document


if __name__ == "__main__":
    floor = create_app(
        os.environ["FLOOR_MONGO_URL"],
        os.environ["FLOOR_DATABASE"],
        RememberedTokens(os.environ["FLOOR_PUBLIC_KEY"]),
    )
    floor.run("127.0.0.1", int(os.environ["FLOOR_PORT"]), single_process=True, access_log=False, motd=False)
