"""The errors of reconciliation."""

from grome.common.errors import ApiError


class FindingResolved(ApiError):
    """Another decision about the finding was made before."""

    status, code, title = 409, "finding_resolved", "The finding is resolved already"
    remedy = "Read the finding again and show its resolution."
