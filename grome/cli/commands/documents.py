"""`grome openapi` and `grome asyncapi`: the documents of the API."""

import click
import orjson

from grome.app import document, live_document


@click.command()
def openapi() -> None:
    """Print the OpenAPI document.

    For example: grome openapi > openapi.json
    """
    click.echo(orjson.dumps(document(), option=orjson.OPT_INDENT_2))


@click.command()
def asyncapi() -> None:
    """Print the AsyncAPI document, which describes live connections."""
    click.echo(orjson.dumps(live_document(), option=orjson.OPT_INDENT_2))
