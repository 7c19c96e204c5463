"""A page of development that pays bookings with test cards in a browser."""
