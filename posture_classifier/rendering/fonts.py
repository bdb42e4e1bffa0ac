"""Fonts that have the letters of class names."""

from matplotlib.font_manager import get_font_names

MORE_LETTERS = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS")


def fonts() -> list[str]:
    """List the usual font, then installed ones with other letters: class names may be Korean."""
    installed = set(get_font_names())
    return ["DejaVu Sans", *(name for name in MORE_LETTERS if name in installed)]
