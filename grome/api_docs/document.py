"""Assemble the OpenAPI document from the declared routes, the webhooks and the examples."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from grome.api_docs.error_catalogue import list_errors
from grome.api_docs.example_sources import add_sources
from grome.api_docs.example_values import EXAMPLES
from grome.api_docs.path_texts import PATH_TEXTS
from grome.api_docs.problem_examples import add_problem_examples
from grome.api_docs.webhook_section import WEBHOOK_DATA, add_webhooks
from grome.infrastructure.http import Routes
from grome.infrastructure.http.examples import ExampleComposer, add_examples
from grome.infrastructure.http.json_schemas import Json
from grome.infrastructure.http.openapi import openapi_document

# The dates of examples count from this day in a document that no server has made, so that it is always the same.
EXAMPLE_DAY: Final = date(2027, 3, 1)
_LICENSE: Final = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_DESCRIPTION: Final = """\
Find a barber nearby, book a time that is really free, and run a barber's day.

Send JSON. Sign in with `POST /v1/auth/login` and send the access token as `Authorization: Bearer …`. Errors are
`application/problem+json` with a stable `code`; their `type` leads to a page about the code, as does the
list of [all errors](/docs/errors). Every response has an `X-Request-ID`. Amounts of money are integers in minor units.
Times are RFC 3339 in UTC; a barber's hours are wall time in the barber's zone. Objects of other accounts are not found
(404). Every GET operation supports HEAD, with the same headers and no body.

Changes, messages and positions also come live: the [AsyncAPI document](/asyncapi.json) describes that protocol.
"""


def api_document(features: Sequence[Routes], *, version: str, server: str, today: date) -> Json:
    """Build the document of the API at the address `server`, with examples for requests of `today`."""
    document = openapi_document(
        features,
        title="Grome",
        version=version,
        description=_DESCRIPTION,
        path_texts=PATH_TEXTS,
        other_types=WEBHOOK_DATA,
    )
    document["info"]["license"] = _LICENSE
    document["servers"] = [{"url": server, "description": "The server that this document comes from."}]
    if server != "/":  # the address must be absolute
        document["externalDocs"] = {
            "url": f"{server.rstrip('/')}/asyncapi.json",
            "description": "The live protocol of WebSockets and server-sent events, as an AsyncAPI document.",
        }
    add_webhooks(document)
    composer = ExampleComposer(document["components"]["schemas"], EXAMPLES, today)
    add_examples(document, composer)
    add_problem_examples(document, list_errors(features), composer, server.rstrip("/"))
    add_sources(document, features)
    return document
