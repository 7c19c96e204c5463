"""Demo data in real cities (`seed`), and a client that runs a booking from start to end (`scenario`)."""
