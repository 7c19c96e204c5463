"""Barbers send documents, admins approve or reject them, and customers find approved barbers only."""
