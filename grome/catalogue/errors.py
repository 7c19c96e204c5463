"""Define the errors of the catalogue."""

from grome.common.errors import ApiError


class ServiceExists(ApiError):
    status, code, title = 409, "service_exists", "The catalogue has a service with this name"
