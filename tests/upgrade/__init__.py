"""Upgrade a database under load, with processes of an earlier release and of this one side by side: `make upgrade`."""
