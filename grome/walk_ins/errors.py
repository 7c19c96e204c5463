"""Every refusal that the queue gives."""

from grome.common.errors import ApiError


class NotTakingWalkIns(ApiError):
    status, code, title = 409, "not_taking_walk_ins", "The barber takes nobody without an appointment now"


class QueueFull(ApiError):
    status, code, title = 409, "queue_full", "There is no room before the barber closes"


class AlreadyInQueue(ApiError):
    status, code, title = 409, "in_queue_already", "You wait here already"


class NotWaiting(ApiError):
    status, code, title = 409, "not_waiting", "Nobody waits here under this id any more"
