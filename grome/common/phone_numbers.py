"""Phone numbers in E.164, the one form in which they are stored and sent to.

`+490151…` and `+49151…` reach the same phone: the 0 is dialled within Germany only. Importing `phonenumbers` costs a
process 50 ms and 6.6 MB; it loads the rules of a country when it meets the first number of it.
"""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult


def normalize_phone(text: str) -> str:
    """Raises ValueError for a number that no phone can have."""
    try:
        number = phonenumbers.parse(text)
    except NumberParseException:
        raise ValueError("is not a phone number with a country code that exists") from None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise ValueError("is not a phone number that is possible in its country")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def phone_forms(text: str) -> list[str]:
    """The forms under which an account may be stored: as typed, as earlier releases did, and in E.164."""
    try:
        return list(dict.fromkeys((text, normalize_phone(text))))
    except ValueError:
        return [text]
