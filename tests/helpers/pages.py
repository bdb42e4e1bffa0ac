"""Checks that a page of ours stands alone: no script, no request, and words for every picture."""

import re
from html.parser import HTMLParser


class _Links(HTMLParser):
    """Collects what an HTML page refers to, its tags, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.without_alt: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.targets += [values[name] for name in ("src", "href", "xlink:href", "srcset", "data", "action") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in ("meta", "link", "img", "input", "br", "wbr"):
            self.open.append(tag)
        if (tag == "img" and not values.get("alt")) or (tag == "svg" and not values.get("aria-label")):
            self.without_alt.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "link", "img", "input", "br", "wbr"):
            assert self.open.pop() == tag, f"</{tag}> closes something else"


def assert_stands_alone(page: str) -> None:
    """Check a page: well formed, no requests, no scripts, and words for every picture."""
    links = _Links()
    links.feed(page)
    assert not links.open
    assert not {"script", "iframe", "object", "embed", "form", "base"} & set(links.tags)
    inside = {f"#{name}" for name in links.ids}
    outside = [target for target in links.targets if not target.startswith("data:") and target not in inside]
    assert not outside
    assert not re.search(r"url\((?!#)|@import|\bon\w+=", re.sub(r"base64,[\w+/=]+|>[^<]*<", "", page))
    assert set(re.findall(r"url\((#[^)]+)\)", page)) <= inside
    assert len(links.ids) == len(set(links.ids)), "an id names one thing"
    assert not links.without_alt
    assert "Content-Security-Policy" in page
