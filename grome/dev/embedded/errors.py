class CannotStart(Exception):
    """One sentence for the person at the terminal; the command line prints it and exits with code 2."""
