"""The exception for everything that the user can put right."""


class UserError(Exception):
    """A mistake that the user can put right; the message says what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """

    def __init__(self, message: str) -> None:
        # torch hands on an error of a DataLoader's process with its whole traceback as the message.
        super().__init__(message.rpartition("UserError: ")[2].rstrip())
