"""The waitlist: customers wait for taken time, and are offered time that becomes free, one customer at a time."""
