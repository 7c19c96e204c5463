"""Free times of barbers: the scheduling engine applied to stored barbers and bookings."""
