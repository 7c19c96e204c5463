"""When a barber can be booked: hours and rules (`models`), and the one decision made from them (`slots`)."""
