"""People who come without an appointment, in a barber's queue of the day."""
