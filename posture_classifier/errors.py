"""The one exception that speaks to the user."""


class UserError(Exception):
    """Something that the user can put right: one sentence saying what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


def sample(names: list[str], shown: int = 5) -> str:
    """Join a few of many names for a message: ``a, b, c and 17 more``."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def first_line(error: BaseException) -> str:
    """What another library's exception says, short enough for a sentence of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:100]
