"""The errors of walk-in queues."""

from grome.common.errors import ApiError


class NotTakingWalkIns(ApiError):
    """The barber is offline or closed, or takes bookings only."""

    status, code, title = 409, "not_taking_walk_ins", "The barber takes no walk-ins now"
    remedy = "Show the free times for bookings instead."


class QueueFull(ApiError):
    """The visits that wait already last until the barber closes."""

    status, code, title = 409, "queue_full", "The queue is full until the barber closes"
    remedy = "Show the free times for bookings instead."


class AlreadyInQueue(ApiError):
    """A customer waits once in a queue at a time."""

    status, code, title = 409, "in_queue_already", "You are already in this queue"
    remedy = "Show the place in the queue that exists."


class NotWaiting(ApiError):
    """The walk-in was served, left the queue, or was missed."""

    status, code, title = 409, "not_waiting", "This walk-in is no longer waiting"
    remedy = "Read the walk-in again and show its state."
