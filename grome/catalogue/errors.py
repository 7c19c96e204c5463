"""Every refusal that the catalogue gives."""

from grome.common.errors import ApiError


class ServiceExists(ApiError):
    status, code, title = 409, "service_exists", "The catalogue has a service of this name"
