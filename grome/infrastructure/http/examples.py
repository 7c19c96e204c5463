"""Compose examples of parameters, requests and answers from JSON schemas and tables of realistic values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from grome.infrastructure.http.json_schemas import SCHEMA_REF, Json
from grome.infrastructure.http.responses import JSON

_REF_PREFIX: Final = SCHEMA_REF.format(name="")
_ROLE_OF_STRUCT: Final = re.compile(r"(Out|In|Details|Row|Entry)$")
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")
_FORMATS: Final = {
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
}
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_NULL: Final[Json] = {"type": "null"}


@dataclass(frozen=True, slots=True)
class FromToday:
    """A date, or with `time` an instant, at a distance from today, so that examples do not grow old."""

    days: int
    time: str = ""

    def on(self, today: date) -> str:
        day = (today + timedelta(days=self.days)).isoformat()
        return f"{day}T{self.time}Z" if self.time else day


@dataclass(frozen=True, slots=True)
class ExampleTables:
    """Values of fields by their names, and of the fields of single schemas.

    A value by name stands wherever its schema accepts it. A request has its required fields, and the fields that the
    table of its schema names. An answer has all fields.
    """

    by_name: Mapping[str, Any]
    by_schema: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class ExampleComposer:
    """Composes values of the schemas in `components`. `unnamed` collects texts that have no value in the tables."""

    components: Mapping[str, Json]
    tables: ExampleTables
    today: date
    unnamed: set[str] = field(default_factory=set)

    def compose(self, schema: Json, name: str = "", owner: str = "", *, is_request: bool = False) -> Any:  # noqa: ANN401, PLR0911 -- any JSON; a table, one row a kind of schema
        """Return a value of the schema. `name` and `owner` are the field and the schema that the value stands in."""
        if name in self.tables.by_name and self._accepts(schema, value := self._dated(self.tables.by_name[name])):
            return value
        if reference := schema.get("$ref"):
            component = reference.removeprefix(_REF_PREFIX)
            return self.compose(self.components[component], name, component, is_request=is_request)
        choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
        if choices:
            return self.compose(choices[0], name, owner, is_request=is_request)
        if "enum" in schema:
            return schema["enum"][0]
        if "const" in schema:
            return schema["const"]
        match schema.get("type"):
            case "object":
                return self._object(schema, owner, is_request=is_request)
            case "array":
                return [self.compose(schema["items"], name.removesuffix("s"), owner, is_request=is_request)]
            case _:
                return self._scalar(schema, name, owner)

    def _object(self, schema: Json, owner: str, *, is_request: bool) -> Json:
        told = {key: self._dated(value) for key, value in self.tables.by_schema.get(owner, {}).items()}
        required = schema.get("required", ())
        return {
            name: told[name] if name in told else self.compose(part, name, owner, is_request=is_request)
            for name, part in schema.get("properties", {}).items()
            if name in told or name in required or not is_request
        }

    def _scalar(self, schema: Json, name: str, owner: str) -> Any:  # noqa: ANN401, PLR0911 -- any JSON; a table
        if examples := schema.get("examples"):
            return examples[0]
        if schema.get("default") is not None:
            return schema["default"]
        match schema.get("type"), schema.get("format"):
            case "string", "uuid":
                return example_id(_subject_of(owner) if name == "id" else name)
            case "string", "date":
                return self._dated(FromToday(1))
            case "string", "date-time":
                return self._dated(FromToday(-2, "14:05:00"))
            case "string", _:
                self.unnamed.add(f"{owner}.{name}")
                return name[: schema.get("maxLength")]
            case "boolean", _:
                return True
            case _:
                return schema.get("minimum", 1)

    def _dated(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON with dates to be set
        match value:
            case FromToday():
                return value.on(self.today)
            case Mapping():
                return {key: self._dated(part) for key, part in value.items()}
            case list() | tuple():
                return [self._dated(part) for part in value]
            case _:
                return value

    def _accepts(self, schema: Json, value: Any) -> bool:  # noqa: ANN401, PLR0911 -- any JSON; a table
        """Return whether the schema takes the value, as far as the values of the tables can differ."""
        if reference := schema.get("$ref"):
            return self._accepts(self.components[reference.removeprefix(_REF_PREFIX)], value)
        if choices := schema.get("anyOf"):
            return any(self._accepts(choice, value) for choice in choices)
        if "enum" in schema:
            return value in schema["enum"]
        if "const" in schema:
            return bool(value == schema["const"])
        kind = schema.get("type", "")
        if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
            return False
        match value:
            case str():
                return _accepts_text(schema, value)
            case bool() | None:
                return True
            case int() | float():
                return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
            case list():
                return all(self._accepts(schema.get("items", {}), item) for item in value)
            case _:
                fields = schema.get("properties")
                return fields is None or value.keys() <= fields.keys()


def _accepts_text(schema: Json, text: str) -> bool:
    if (form := _FORMATS.get(schema.get("format", ""))) and not form.fullmatch(text):
        return False
    if (pattern := schema.get("pattern")) and not re.search(pattern, text):
        return False
    return bool(schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)))


def example_id(name: str) -> str:
    """Return a UUID of version 7 that is the same wherever the name is the same."""
    digits = sha256(name.removesuffix("s").encode()).hexdigest()
    return f"019b76da-a{digits[:3]}-7{digits[3:6]}-8{digits[6:9]}-{digits[9:21]}"


def _subject_of(owner: str) -> str:
    """`BookingOut` is the schema of a `booking_id`."""
    words = _WORDS.sub("_", _ROLE_OF_STRUCT.sub("", owner)).lower()
    return f"{words}_id"


def add_examples(document: Json, composer: ExampleComposer) -> None:
    """Add an example to all parameters, request bodies and JSON answers of the document."""
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                _add_to_parameter(parameter, composer)
            _add_to_content(operation.get("requestBody", {}), composer, is_request=True)
            for response in _successes(operation["responses"]):
                _add_to_content(response, composer, is_request=False)


def _add_to_parameter(parameter: Json, composer: ExampleComposer) -> None:
    # Tools fill the fields of a form with the examples, and a filter that nobody chose would hide what is there.
    if parameter.get("required"):
        parameter["example"] = composer.compose(parameter["schema"], parameter["name"], is_request=True)


def _add_to_content(part: Json, composer: ExampleComposer, *, is_request: bool) -> None:
    if media := part.get("content", {}).get(JSON):
        media["example"] = composer.compose(media["schema"], is_request=is_request)


def _successes(responses: Mapping[str, Json]) -> Sequence[Json]:
    return [response for status, response in responses.items() if status.startswith("2")]
