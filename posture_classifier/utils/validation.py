"""Values from a file, checked against the types that they should have."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from posture_classifier.utils.text import printable


def mismatch(value: Any, expected: Any) -> str | None:
    """Say where a value is not of a type, and what should be there; None if it is of that type.

    Nothing is converted: the text ``"3"`` is no number.

    Args:
        value: A plain value, such as a parsed JSON file.
        expected: A type hint: ``int | None``, ``list[str]``, ``Annotated[int, Field(ge=16)]``, a
            ``TypedDict``.

    Example:
        >>> mismatch({"left": [1, "two"]}, dict[str, list[int]])
        'left.1: Input should be a valid integer'
        >>> mismatch(3, float | None) is None
        True
    """
    try:
        TypeAdapter(expected).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = printable(".".join(str(part) for part in first["loc"]))[:100]
        return f"{place}: {first['msg']}" if place else first["msg"]
    return None
