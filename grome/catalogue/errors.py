"""Define the errors of the catalogue."""

from grome.common.errors import ApiError


class ServiceExists(ApiError):
    """Names of services are unique."""

    status, code, title = 409, "service_exists", "The catalogue has a service with this name"
    remedy = "Use the service that exists, or choose another name."
