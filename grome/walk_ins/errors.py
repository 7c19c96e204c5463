"""The errors of walk-in queues."""

from grome.common.errors import ApiError


class NotTakingWalkIns(ApiError):
    status, code, title = 409, "not_taking_walk_ins", "The barber takes no walk-ins now"


class QueueFull(ApiError):
    status, code, title = 409, "queue_full", "The queue is full until the barber closes"


class AlreadyInQueue(ApiError):
    status, code, title = 409, "in_queue_already", "You are already in this queue"


class NotWaiting(ApiError):
    status, code, title = 409, "not_waiting", "This walk-in is no longer waiting"
