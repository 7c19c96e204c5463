"""Walk-ins: customers without an appointment, in a barber's queue of the day."""
