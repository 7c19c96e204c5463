"""Who waits for a time that is taken, and who is offered one that becomes free."""
