"""Fonts that have the letters of class names."""

from matplotlib.font_manager import get_font_names


def fonts() -> list[str]:
    """The usual font, then whichever installed one knows the letters of other scripts: class names may be Korean."""
    wanted = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS")
    installed = set(get_font_names())
    return ["DejaVu Sans", *(name for name in wanted if name in installed)]
