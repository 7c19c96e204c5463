"""Serve `/account`, where people sign in and run their own account in a browser."""
