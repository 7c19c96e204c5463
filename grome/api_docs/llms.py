"""Write `/llms.txt` and the pages in Markdown that it links to, for programs that read text (llmstxt.org)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from grome.api_docs.error_catalogue import DocumentedError

Json = dict[str, Any]
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def llms_text(document: Json, base: str, errors: int) -> str:
    """Write the overview: title, summary, and links to the documents and to a page for each group."""
    title, summary, rest = _overview(document)
    groups = [
        f"- [{tag['name']}]({base}/docs/groups/{tag['name']}.md): {tag.get('description', 'Operations.')}"
        for tag in document["tags"]
    ]
    return _page(
        f"# {title}",
        f"> {summary}",
        rest.replace("](/", f"]({base}/"),
        "## Documents",
        "\n".join(
            (
                f"- [Guide]({base}/docs/guide.md): tokens, lists, safe repeats, versions, the life of a booking",
                f"- [OpenAPI]({base}/openapi.json): every operation with its schemas, examples and errors",
                f"- [AsyncAPI]({base}/asyncapi.json): the live protocol of WebSockets and event streams",
                f"- [Errors]({base}/docs/errors.md): the {errors} codes of errors, with cause and remedy",
            )
        ),
        "## Operations",
        "\n".join(groups),
        "## Optional",
        f"- [Reference for people]({base}/docs): the same operations, to try them in a browser",
    )


def group_page(document: Json, tag: Mapping[str, str], base: str) -> str:
    """Write the operations of a tag: roles, parameters, body and errors, each in a line."""
    operations = [
        _operation(method, path, item[method], base)
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and tag["name"] in item[method]["tags"]
    ]
    return _page(f"# {tag['name']}", tag.get("description", ""), *operations)


def errors_page(errors: Iterable[DocumentedError]) -> str:
    """Write all errors with cause and remedy."""
    return _page(
        "# Errors",
        "Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
        *(
            f"## {error.status} `{error.code}`\n\n{error.title}.\n\nCause: {error.cause}\n\nRemedy: {error.remedy}"
            for error in errors
        ),
    )


def _overview(document: Json) -> tuple[str, str, str]:
    summary, _, rest = document["info"]["description"].partition("\n\n")
    return f"{document['info']['title']} API", " ".join(summary.split()), rest.strip()


def _operation(method: str, path: str, operation: Json, base: str) -> str:
    lines = [f"Called by: {', '.join(operation['x-roles'])}."]
    lines += [_parameter(parameter) for parameter in operation["parameters"]]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        lines.append(f"Body: {_type(media['schema'])}.")
    for status, response in operation["responses"].items():
        types = [_type(media["schema"]) for media in response.get("content", {}).values() if "schema" in media]
        if status.startswith("2"):
            lines.append(f"Answer: {status}{f', {types[0]}' if types else ''}.")
        elif status.startswith("4"):
            lines.append(f"{status}: {response['description']}".replace("](/", f"]({base}/"))
    about = operation.get("description", "")
    return _page(
        f"## {method.upper()} {path}",
        f"{operation['summary']} `{operation['operationId']}`",
        about,
        "\n".join(f"- {line}" for line in lines),
    ).strip()


def _parameter(parameter: Json) -> str:
    need = "required" if parameter.get("required") else "optional"
    about = parameter.get("description", "").rstrip(".")
    return f"`{parameter['name']}` ({parameter['in']}, {need}): {about or _type(parameter['schema'])}."


def _type(schema: Json) -> str:
    if reference := schema.get("$ref"):
        return f"`{reference.rpartition('/')[2]}`"
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}"
    choices: Sequence[Json] = schema.get("anyOf", ())
    return " or ".join(map(_type, choices)) if choices else str(schema.get("type", "any value"))


def _page(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
