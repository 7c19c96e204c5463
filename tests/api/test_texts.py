"""Every text that people type declares its kind: a new field is tested without being told of."""

from collections.abc import Iterator
from typing import Final

import pytest
from msgspec import inspect

from grome.common.text_fields import kind_of_text
from tests.api.surface import ROUTES, Route

# Fields whose text only programs read: tokens, ids and cursors of ours, or text whose own pattern or rule bounds it.
# A login takes addresses and passwords as typed, since earlier releases stored them so.
MACHINE_TEXTS: Final = {
    *("RegistrationCredential.id", "AssertionCredential.id"),
    *("DeviceIn.id", "Refresh.refresh_token", "Login.email", "Login.phone", "Login.password", "PushTokenIn.token"),
    *("Forgotten.email", "Forgotten.phone", "PasswordReset.email", "PasswordReset.phone", "CodeSignInRequest.phone"),
    *(
        "StepUp.password",
        "DeletionIn.password",
        "EmailChange.password",
        "PhoneChange.password",
        "PasswordChange.current",
    ),
    *(
        "ProfilePatch.timezone",
        "ProfileIn.timezone",
        "PreferencesPatch.timezone",
        "ReportIn.timezone",
        "Register.timezone",
    ),
    *("QuietHours.start", "QuietHours.end", "DayHours.start_time", "DayHours.end_time"),
    *("Break.start_time", "Break.end_time", "HolidayCalendar.country", "HolidayCalendar.subdivision"),
    *("EndpointIn.url", "EndpointPatch.url", "ProfileIn.currency", "MessageIn.key"),
    *("EventsQuery.rooms", "EventsQuery.ticket", "EventsQuery.last_event_id"),
    *("OnboardingIn.country", "JournalQuery.account", "AccountBalanceQuery.prefix"),
}
# The names of the fields of credentials are those of the standard; their texts are bytes in base64.
MACHINE_FIELDS: Final = {
    *("cursor", "currency", "code", "promo_code", "kind"),
    *("challenge", "ceremony", "totp", "recovery_code", "raw_id", "client_data", "attestation_object"),
    *("transports", "authenticator_data", "signature", "user_handle"),
}


def texts(kind: inspect.Type, where: str) -> Iterator[tuple[str, inspect.Type]]:
    """Each field of text within a type, named by its Struct, with the type as declared."""
    match kind:
        case inspect.StrType() | inspect.Metadata(type=inspect.StrType()):
            yield where, kind
        case inspect.Metadata(type=inner):
            yield from texts(inner, where)
        case inspect.StructType(cls=cls, fields=fields):
            for field in fields:
                yield from texts(field.type, f"{cls.__name__}.{field.name}")
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from texts(item, where)
        case inspect.DictType(value_type=value):
            yield from texts(value, where)
        case inspect.UnionType(types=kinds):
            for one in kinds:
                yield from texts(one, where)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.takes("body") or route.takes("query")], ids=str)
def test_text_field_declares_its_kind_unless_it_is_machine_text(route: Route) -> None:
    for part in ("body", "query"):
        if not route.takes(part):
            continue
        for where, kind in texts(inspect.type_info(route.operation.hints[part]), ""):
            is_machine_text = where in MACHINE_TEXTS or where.rpartition(".")[2] in MACHINE_FIELDS
            assert (kind_of_text(kind) is None) == is_machine_text, where
