"""Descriptions of the parameters in paths, by their names; a name means the same in every path."""

from typing import Final

PATH_TEXTS: Final = {
    "account_id": "The account on the other side of one of your bookings.",
    "barber_id": "The barber's id, as searches return it. It is also the id of the barber's account.",
    "booking_id": "The booking's id, as `GET /v1/bookings` lists it.",
    "card_id": "The card's id at Stripe, as `GET /v1/me/cards` lists it.",
    "day": "A local date of the barber.",
    "delivery_id": "The delivery's id, as the endpoint's deliveries list it.",
    "device_id": "The id that the app gave this device at login.",
    "endpoint_id": "The webhook endpoint's id.",
    "entry_id": "The id of your waitlist entry.",
    "export_id": "The id of your export.",
    "finding_id": "The finding's id, as `GET /v1/admin/findings` lists it.",
    "job_id": "The job's id: the name of its task, a colon, and its key.",
    "message_id": "The message's id, as the booking's messages list it.",
    "message_report_id": "The report's id, as `GET /v1/admin/message-reports` lists it.",
    "passkey_id": "The passkey's id, as `GET /v1/me/passkeys` lists it.",
    "payment_id": "The payment's id, as `GET /v1/payments` lists it.",
    "payout_id": "The payout's id, as the lists of payouts have it.",
    "promo_id": "The promo's id, as the lists of promos have it.",
    "quote_id": "The id of your quote.",
    "report_id": "The id of your report.",
    "series_id": "The series' id, as its bookings have it.",
    "service_id": "The service's id in the catalogue.",
    "session_id": "The session's id, as `GET /v1/me/sessions` lists it.",
    "time_off_id": "The id of the time off, as `GET /v1/barbers/me/openings` lists it.",
    "token": "The secret part of an address that Grome gave out. It stands in for a sign-in.",
    "user_id": "The account's id, as `GET /v1/admin/users` lists it.",
    "walk_in_id": "The walk-in's id.",
}
