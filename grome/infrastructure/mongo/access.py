"""Build the filter that limits an actor's queries to the shared data of a customer and a barber."""

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
