"""Find routes that no rule covers: an address that the application serves and that a table does not list."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from grome.app import App

_PARAMETER = re.compile(r"<(\w+):\w+>")
OPEN, LINK, OPERATOR, DEVELOPMENT = "open", "link", "operator", "development"
# Addresses outside the OpenAPI document, which browsers, calendars and mail programs open, with their rules: `open` to
# anyone, with the token of a `link`, for an `operator` by cookie, or absent outside `development`.
PAGES = {
    "GET /": OPEN,
    "GET /docs": OPEN,
    "GET /openapi.json": OPEN,
    "GET /asyncapi.json": OPEN,
    "GET /account": OPEN,
    "GET /account/{name}": OPEN,
    "GET /bookings/{booking_id}": OPEN,  # the same page for every id; it shows no booking
    "GET /b/{booking_id}": OPEN,
    "GET /webhooks/{endpoint_id}": OPEN,
    "GET /v1/photos/{name}/{file}": OPEN,  # photos of shops and people, under names that cannot be guessed
    "GET /v1/files/{token}": LINK,
    "POST /v1/files": LINK,  # the token is a field of the form
    "GET /v1/unsubscribe/{token}": LINK,
    "POST /v1/unsubscribe/{token}": LINK,
    "GET /jobs/login": OPEN,
    "POST /jobs/login": OPEN,
    "POST /jobs/login/second-step": OPEN,
    "GET /jobs/static/{name}": OPEN,
    "GET /jobs": OPERATOR,
    "GET /jobs/": OPERATOR,
    "GET /jobs/dead": OPERATOR,
    "POST /jobs/dead": OPERATOR,
    "POST /jobs/logout": OPERATOR,
    "GET /jobs/queues/{queue}": OPERATOR,
    "GET /jobs/queues/{queue}/jobs/{key}": OPERATOR,
    "GET /jobs/api/queues": OPERATOR,
    "GET /jobs/api/queues/{name}": OPERATOR,
    "GET /jobs/api/queues/{name}/jobs/{key}": OPERATOR,
    "POST /jobs/api/queues/{name}/jobs/{key}/retry": OPERATOR,
    "POST /jobs/api/queues/{name}/jobs/{key}/abort": OPERATOR,
    "GET /mailbox": DEVELOPMENT,
    "GET /mailbox/": DEVELOPMENT,
    "GET /mailbox/{name}": DEVELOPMENT,
    "GET /mailbox/{name}/html": DEVELOPMENT,
    "GET /pay-demo": DEVELOPMENT,
    "GET /live-demo": DEVELOPMENT,
    "GET /live-demo/{name}": DEVELOPMENT,
}


def served_routes(app: App) -> set[str]:
    """Return the method and path of all routes that the application serves, however they were registered."""
    groups = [*app.router.static_routes.values(), *app.router.dynamic_routes.values()]
    return {
        f"{method} /{path}"
        for route in [route for group in [*groups, *app.router.regex_routes.values()] for route in group.routes]
        for path in [_PARAMETER.sub(r"{\1}", route.path)]
        for method in route.methods - {"HEAD"}
    }


def find_open_routes(
    served: set[str], document: Mapping[str, Any], roles: Mapping[str, str], pages: Mapping[str, str] = PAGES
) -> list[str]:
    """Return a sentence for each served route without a rule, and for each rule that the document contradicts."""
    declared = {
        f"{method.upper()} {path}": set(operation["x-roles"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    return sorted(_faults(served, declared, {route: set(words.split()) for route, words in roles.items()}, pages))


def _faults(
    served: set[str], declared: Mapping[str, set[str]], roles: Mapping[str, set[str]], pages: Mapping[str, str]
) -> Iterator[str]:
    for route in served - roles.keys() - pages.keys():
        yield f"{route} has no rule"
    for route in (roles.keys() | pages.keys()) - served:
        yield f"{route} is not served"
    for route, wanted in roles.items():
        given = declared.get(route)
        if given is None:
            yield f"{route} is not in the document"
        elif given != (wanted - {"nobody"} if "nobody" not in wanted else {"anyone"}):
            yield f"{route} is for {', '.join(sorted(given))} in the document"
