"""The exception for everything that the user can put right."""


class UserError(Exception):
    """A mistake that the user can put right; the message says what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """
