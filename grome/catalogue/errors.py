"""Every refusal that the catalogue gives."""

from grome.common.errors import Refusal


class ServiceExists(Refusal):
    status, code, title = 409, "service_exists", "The catalogue has a service of this name"
