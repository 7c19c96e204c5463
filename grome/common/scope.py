"""What an actor may see of what a customer and a barber share: a filter that every query about it carries."""

from grome.common.actor import Actor, Role
from grome.common.mongo import Document


def seen_by(actor: Actor) -> Document:
    """Customers and barbers see their own, admins all."""
    match actor.role:
        case Role.CUSTOMER:
            return {"customer_id": actor.id}
        case Role.BARBER:
            return {"barber_id": actor.id}
        case Role.ADMIN:
            return {}
