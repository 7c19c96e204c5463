"""Demo data over real cities (`seed`), and a client that drives a running Grome through the whole story (`story`)."""
