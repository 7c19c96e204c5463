"""Events of a conversation reach the rooms of both sides once, also if the relay has lost its position."""
