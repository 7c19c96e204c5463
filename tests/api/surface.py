"""All routes of the API, read from the declarations of the features: a new route is tested automatically."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from msgspec import Struct, inspect

from grome.app import FEATURES
from grome.common.actor import Role
from grome.infrastructure.http import Operation

A_DATE = date(2027, 3, 1)


@dataclass(frozen=True)
class Route:
    """One operation under its whole path, such as `/v1/bookings/{booking_id}/accept`."""

    operation: Operation
    path: str

    def __str__(self) -> str:
        return f"{self.operation.method} {self.path}"

    @property
    def method(self) -> str:
        return self.operation.method

    @property
    def who(self) -> frozenset[Role]:
        return self.operation.who

    @property
    def parts(self) -> list[str]:
        """Return the path parameters: ids and dates."""
        return list(self.operation.path_parts)

    @property
    def ids(self) -> list[str]:
        """Those that name something which may not be there."""
        return [name for name, kind in self.operation.path_parts.items() if kind is not date]

    @property
    def typed_parts(self) -> list[str]:
        """Those that not any string can be."""
        return [name for name, kind in self.operation.path_parts.items() if kind is not str]

    @property
    def body_struct(self) -> type[Struct]:
        struct: type[Struct] = self.operation.hints["body"]
        return struct

    @property
    def query_fields(self) -> tuple[inspect.Field, ...]:
        if not self.takes("query"):
            return ()
        described = inspect.type_info(self.operation.hints["query"])
        assert isinstance(described, inspect.StructType)
        return described.fields

    def takes(self, name: str) -> bool:
        """Whether its handler asks for `body`, `query`, `idempotency_key` and so on."""
        return name in self.operation.hints

    def url(self, **parts: Any) -> str:
        """The path with `parts` in it; an id that is not given is nobody's, and a date is just one."""
        others = {name: A_DATE if kind is date else uuid4() for name, kind in self.operation.path_parts.items()}
        return self.path.format(**{name: parts.get(name, other) for name, other in others.items()})


ROUTES = [Route(operation, feature.prefix + operation.path) for feature in FEATURES for operation in feature.operations]
WITH_BODY = [route for route in ROUTES if route.takes("body")]
WITH_QUERY = [route for route in ROUTES if route.takes("query")]
WITH_KEY = [route for route in ROUTES if route.takes("idempotency_key")]
WITH_IDS = [route for route in ROUTES if route.ids]
WITH_PARTS = [route for route in ROUTES if route.parts]

# The behaviour that one factory gives to all handlers is tested in full on these routes. test_factory.py proves that
# the factory makes all handlers. Among them are those that it treats differently.
_SAMPLES = {
    "GET /v1/me",
    "GET /v1/barbers/nearby",  # answered before anything is decoded
    "GET /metrics",  # also answers machines, which have no account
    "GET /v1/events",  # also takes tickets
    "PUT /v1/barbers/me/overrides/{day}",
    "POST /v1/bookings",
    "DELETE /v1/me/devices/{device_id}/push-token",
}
_SAMPLES_WITH_BODY = {
    "POST /v1/auth/register",
    "PATCH /v1/me/preferences",  # no field is required
    "PUT /v1/barbers/me/services",
    "POST /v1/bookings",
    "POST /v1/bookings/{booking_id}/cancel",
}
SAMPLES = [route for route in ROUTES if str(route) in _SAMPLES]
SAMPLES_WITH_BODY = [route for route in WITH_BODY if str(route) in _SAMPLES_WITH_BODY]
