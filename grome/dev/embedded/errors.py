class CannotStart(Exception):  # noqa: N818 - the name is what the person at the terminal is told
    """One sentence for the person at the terminal; the command line prints it and exits with code 2."""
