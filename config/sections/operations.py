"""The sections of settings about reports of errors and traces, which operators read."""

from typing import Annotated

from msgspec import Meta, Struct


class SentrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    dsn: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^@/\s]+@[^@/\s]+/\S*\d)?$(?!\n)",
            description="Sentry project that bugs, dead jobs and dead processes are reported to; unset, none is.",
            extra={"secret": True, "form": "https://<key>@<host>/<project>"},
        ),
    ] = ""


class TracesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    endpoint: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s]+(/\S*)?)?$(?!\n)",
            description="OpenTelemetry collector that traces go to, as OTLP over HTTP; unset, nothing is traced.",
            extra={"form": "the URL for traces, e.g. http://collector:4318/v1/traces"},
        ),
    ] = ""
    ratio: Annotated[
        float,
        Meta(ge=0, le=1, description="Share of requests that are traced."),
    ] = 0.01
    trust_clients: Annotated[
        bool,
        Meta(
            description="The sampled flag of a request's `traceparent` decides whether it is traced; only where a"
            " gateway of your own sets that header."
        ),
    ] = False
