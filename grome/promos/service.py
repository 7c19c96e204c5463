"""Create, read and change promos. The uses of their codes are in `redemptions.py`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import structs

from grome.barbers.service import BarberService
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor, Role
from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound, Unavailable
from grome.common.ids import new_id
from grome.common.input_faults import refusal_of
from grome.common.money import NO_CURRENCY, currencies_in_use
from grome.common.origin import origin_by
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.access import managed_by
from grome.infrastructure.mongo.client import Document, to_document
from grome.infrastructure.outbox.models import Change, EventType
from grome.promos.events import promo_changes
from grome.promos.models import Promo, PromoEntry, PromoTerms
from grome.promos.repository import PromoCursor, PromoRepository, PromoUseRepository, UseTotals
from grome.promos.schemas import (
    Discounted,
    PromoChange,
    PromoFigures,
    PromoIn,
    PromoOut,
    PromoPage,
    PromoQuery,
    PromoWithFigures,
    promo_out,
)

FieldError = tuple[str, str]
_ATTEMPTS: Final = 8


class PromoService:
    def __init__(
        self,
        promos: PromoRepository,
        uses: PromoUseRepository,
        barbers: BarberService,
        catalogue: CatalogueService,
        clock: Clock,
    ) -> None:
        self._promos, self._uses = promos, uses
        self._barbers, self._catalogue, self._clock = barbers, catalogue, clock

    async def create(self, actor: Actor, body: PromoIn) -> PromoOut:
        """Create a promo, of the platform if an admin creates it. Raises Invalid, PromoExists or TooManyPromos."""
        terms = await self._validated_terms(actor, body)
        now = self._clock()
        given = {"code": body.code.upper(), "is_active": body.is_active, **structs.asdict(terms)}
        created = promo_changes({}, {name: value for name, value in given.items() if value not in (None, [], "")})
        promo = Promo(
            id=new_id(),
            owner_id=managed_by(actor)["owner_id"],
            version=1,
            outbox=[self._entry(actor, 1, EventType.PROMO_CREATED, created)],
            created_by=actor.id,
            created_at=now,
            updated_at=now,
            **given,
        )
        await self._promos.add(promo)
        return promo_out(promo)

    async def list_page(self, actor: Actor, query: PromoQuery) -> PromoPage:
        after = decode_cursor(query.cursor, PromoCursor)
        code = query.code.upper() if query.code else None
        filters = {"is_active": query.is_active, "code": code}
        fields = {name: value for name, value in filters.items() if value is not None}
        found = await self._promos.list_page(managed_by(actor), after, query.limit + 1, **fields)
        page, next_cursor = cut_page(found, query.limit, lambda row: PromoCursor(row.id))
        return PromoPage([promo_out(promo) for promo in page], next_cursor)

    async def get(self, actor: Actor, promo_id: UUID) -> PromoWithFigures:
        """Return a promo with the figures of its uses. Raises NotFound if the actor does not manage it."""
        promo = await self._promos.find(managed_by(actor), promo_id)
        if promo is None:
            raise NotFound
        sums, customers = await self._uses.list_totals(promo_id), await self._uses.count_customers(promo_id)
        return PromoWithFigures(promo_out(promo), _figures(promo, sums, customers))

    async def update(self, actor: Actor, promo_id: UUID, body: PromoChange) -> PromoOut:
        """Replace the terms; the code and the switch stay. Raises NotFound or Invalid."""
        return await self._update(actor, promo_id, to_document(await self._validated_terms(actor, body)))

    async def set_active(self, actor: Actor, promo_id: UUID, *, is_active: bool) -> PromoOut:
        """Switch a promo on or off; claimed uses stay. Raises NotFound."""
        return await self._update(actor, promo_id, {"is_active": is_active})

    async def _update(self, actor: Actor, promo_id: UUID, fields: Document) -> PromoOut:
        for _ in range(_ATTEMPTS):
            promo = await self._promos.find(managed_by(actor), promo_id)
            if promo is None:
                raise NotFound
            changes = promo_changes(to_document(promo), fields)
            if not changes:
                return promo_out(promo)
            entry = self._entry(actor, promo.version + 1, EventType.PROMO_CHANGED, changes)
            if changed := await self._promos.update_if_version(promo, {**fields, "updated_at": entry.at}, entry):
                return promo_out(changed)
        raise Unavailable("The promo keeps changing; try again.")

    def _entry(self, actor: Actor, version: int, kind: EventType, changes: tuple[Change, ...]) -> PromoEntry:
        return PromoEntry(
            id=new_id(),
            version=version,
            type=kind,
            actor_id=actor.id,
            at=self._clock(),
            origin=origin_by(actor.id),
            changes=changes,
        )

    async def _validated_terms(self, actor: Actor, body: PromoTerms) -> PromoTerms:
        terms = PromoTerms(
            **{
                **{name: getattr(body, name) for name in PromoTerms.__struct_fields__},
                "valid_from": _stored_moment(body.valid_from, "valid_from"),
                "valid_until": _stored_moment(body.valid_until, "valid_until"),
            }
        )
        if faults := [*_iter_errors(terms), *(await self._find_unknown_ids(actor, terms))]:
            raise refusal_of(faults)
        return terms

    async def _find_unknown_ids(self, actor: Actor, terms: PromoTerms) -> list[FieldError]:
        """Return an error for each listed id that is unknown, or that the actor may not list."""
        if actor.role is not Role.ADMIN and terms.barber_ids:
            return [("barber_ids", "are only for promos of the platform; your promos are for visits to you")]
        barbers = {barber.id for barber in await self._barbers.list_by_ids(terms.barber_ids)}
        services = await self._catalogue.find_many(terms.service_ids) if terms.service_ids else {}
        return [
            *_errors_for_missing("barber_ids", terms.barber_ids, barbers, "is not the id of a barber"),
            *_errors_for_missing("service_ids", terms.service_ids, set(services), "is not in the catalogue"),
        ]


def _errors_for_missing(field: str, ids: Sequence[UUID], known: set[UUID], message: str) -> list[FieldError]:
    return [(f"{field}[{index}]", message) for index, id_ in enumerate(ids) if id_ not in known]


def _iter_errors(terms: PromoTerms) -> Iterator[FieldError]:
    """Yield the errors that the types cannot express."""
    if terms.percent is None and terms.amount is None:
        yield "percent", "is required without an amount"
    if terms.percent is not None and terms.amount is not None:
        yield "amount", "cannot be combined with a percentage"
    if terms.at_most is not None and terms.percent is None:
        yield "at_most", "is allowed only with a percentage"
    if terms.currency is None and not terms.amount is terms.at_most is terms.minimum_price is None:
        yield "currency", "is required with an amount"
    if terms.currency is not None and terms.currency not in currencies_in_use():
        yield "currency", NO_CURRENCY
    if terms.valid_from and terms.valid_until and terms.valid_from >= terms.valid_until:
        yield "valid_until", "must be after valid_from"


def _stored_moment(moment: datetime | None, field: str) -> datetime | None:
    """Return the time in UTC, cut to the milliseconds that MongoDB stores."""
    if moment is None:
        return None
    utc = to_utc(moment, field)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _figures(promo: Promo, sums: Sequence[UseTotals], customers: int) -> PromoFigures:
    uses = sum(totals.uses for totals in sums if not totals.held)
    held = sum(totals.uses for totals in sums if totals.held)
    left = None if promo.most_uses is None else max(0, promo.most_uses - uses - held)
    return PromoFigures(
        uses, held, left, customers, [Discounted(totals.currency, totals.amount) for totals in sums if not totals.held]
    )
