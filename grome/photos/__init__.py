"""Photos of barbers' work and their profile pictures, in three sizes, for everybody."""
