"""All personal data of Grome, as its features declare it."""

from collections.abc import Sequence

from msgspec import Struct

from grome.infrastructure.personal_data import PersonalData


class Inventory(Struct, frozen=True):
    """The personal data of all features, in the order in which it is exported and erased.

    The account is the last, so that an interrupted deletion still knows the person.
    """

    parts: Sequence[PersonalData]
