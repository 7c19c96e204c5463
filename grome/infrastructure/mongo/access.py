"""Build the filters that limit the queries of an actor to the documents of the actor."""

from grome.common.actor import Actor, Role
from grome.infrastructure.mongo.client import Document


def visible_to(actor: Actor) -> Document:
    """Return the filter: customers and barbers see their own documents, admins all."""
    match actor.role:
        case Role.CUSTOMER:
            return {"customer_id": actor.id}
        case Role.BARBER:
            return {"barber_id": actor.id}
        case Role.ADMIN:
            return {}


def managed_by(actor: Actor) -> Document:
    """Return the filter by owner: barbers manage their own documents, and admins share the platform's."""
    return {"owner_id": None if actor.role is Role.ADMIN else actor.id}
