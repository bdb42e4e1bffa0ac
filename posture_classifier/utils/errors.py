"""The one exception that speaks to the user."""


class UserError(Exception):
    """Something that the user can put right: one sentence saying what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
