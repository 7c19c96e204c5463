"""The whole surface of the API, read from what the features declare: a new route is tested without being told of."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct, inspect

from grome.app import FEATURES
from grome.common.actor import Role
from grome.common.http import Operation


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
    def ids(self) -> list[str]:
        return list(self.operation.path_parts)

    @property
    def uuids(self) -> list[str]:
        """Those of its ids that not any string can be."""
        return [name for name, kind in self.operation.path_parts.items() if kind is UUID]

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

    def url(self, **ids: Any) -> str:
        """The path with `ids` in it; an id that is not given is nobody's."""
        return self.path.format(**{name: ids.get(name, uuid4()) for name in self.ids})


ROUTES = [Route(operation, feature.prefix + operation.path) for feature in FEATURES for operation in feature.operations]
WITH_BODY = [route for route in ROUTES if route.takes("body")]
WITH_QUERY = [route for route in ROUTES if route.takes("query")]
WITH_KEY = [route for route in ROUTES if route.takes("idempotency_key")]
WITH_IDS = [route for route in ROUTES if route.ids]
