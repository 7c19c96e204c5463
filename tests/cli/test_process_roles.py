"""The routes of API processes by their role, GROME_HTTP_SERVES."""

from typing import Literal

import msgspec
from sanic import Sanic

from config.settings import Settings
from grome.app import FEATURES, create_app
from grome.nearby.fast_path import FastPathProtocol, protocol_class

LIVE = {"/v1/live", "/v1/live/ticket", "/v1/events"}
OPERATIONS = {"/health/live", "/health/ready", "/metrics"}


def paths(settings: Settings, serves: Literal["all", "api", "live"]) -> set[str]:
    http = msgspec.structs.replace(settings.http, serves=serves)
    app = create_app(msgspec.structs.replace(settings, http=http))
    Sanic.unregister_app(app)
    return {f"/{route.path}" for route in app.router.routes}


def test_default_process_serves_all_features(settings: Settings) -> None:
    everything = paths(settings, "all")
    declared = {feature.prefix + operation.path for feature in FEATURES for operation in feature.operations}
    assert {path for path in declared if "{" not in path} <= everything
    assert "/docs" in everything


def test_process_of_live_connections_serves_nothing_else(settings: Settings) -> None:
    assert paths(settings, "live") == LIVE | OPERATIONS
    live = msgspec.structs.replace(settings, http=msgspec.structs.replace(settings.http, serves="live"))
    assert protocol_class(settings) is FastPathProtocol
    assert not issubclass(protocol_class(live), FastPathProtocol)


def test_process_of_the_api_serves_all_but_live_connections(settings: Settings) -> None:
    assert paths(settings, "api") == paths(settings, "all") - LIVE
