"""A page of development that shows both sides of a visit live, in a browser."""
