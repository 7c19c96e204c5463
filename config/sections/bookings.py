"""The sections of settings about bookings, the search nearby and reports."""

from typing import Annotated

from msgspec import Meta, Struct


class BookingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    answer_within_min: Annotated[
        int,
        Meta(ge=5, le=20_160, description="A request that no barber answers for so long expires and frees its time."),
    ] = 24 * 60
    group_commit: Annotated[
        bool, Meta(description="Store bookings that arrive together by one write, each with its own answer.")
    ] = True


class NearbySettings(Struct, frozen=True, forbid_unknown_fields=True):
    memory_mb: Annotated[
        int, Meta(ge=1, le=65_536, description="Memory of the map of barbers in one API process, in MiB.")
    ] = 64
    fast_path: Annotated[
        bool, Meta(description="Answer plain searches nearby as their bytes arrive, past the HTTP framework.")
    ] = True


class ReportSettings(Struct, frozen=True, forbid_unknown_fields=True):
    keep_h: Annotated[int, Meta(ge=1, le=8_760, description="A report's files are deleted after so many hours.")] = 72
    link_min: Annotated[int, Meta(ge=1, le=1_440, description="A link to a report is good for so many minutes.")] = 15
