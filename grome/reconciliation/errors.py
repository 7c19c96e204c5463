"""The errors of reconciliation."""

from grome.common.errors import ApiError


class FindingResolved(ApiError):
    status, code, title = 409, "finding_resolved", "The finding is resolved already"
