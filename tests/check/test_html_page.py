"""What ``check.html`` begins and ends with."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np

from posture_classifier.check.html_page import (
    PAGE_BYTES,
    PER_CLASS,
    PagePhotos,
    contact_sheet,
    count_shown,
    overview_section,
    write_check,
)
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.check_folders import check_folder, draw_people
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import photos_of

PAGE_PHOTOS = PagePhotos(Path("photos"), FULL_RANGE, 1)


def cells(body: str) -> list[list[str]]:
    """The rows of all tables, without markup."""
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_photos_are_counted_by_class_and_group() -> None:
    photos = photos_of([[0, 0, 1], [0], [1] * 5, *([[0, 1]] * 9)], 2)
    body = str(overview_section(photos, PAGE_PHOTOS).body)
    rows = cells(body)
    assert ["class0", "12", "44%", "11"] in rows
    assert ["class1", "15", "56%", "11"] in rows
    assert rows.index(["g2", "0", "5", "5"]) < rows.index(["g0", "2", "1", "3"]) < rows.index(["g3", "1", "1", "2"])
    assert "2 of 12 groups have photos of one class only" in body
    assert "<summary>4 more groups</summary>" in body
    alone = replace(photos, groups=photos.paths, grouped=False)
    assert "g2" not in str(overview_section(alone, PAGE_PHOTOS).body).replace("g2_", "")


def test_the_contact_sheet_shows_every_group_before_one_twice() -> None:
    photos = photos_of([[0] * 20, *([[0, 1]] * 5), [0]], 3)
    sheet = contact_sheet(photos)
    assert list(sheet) == [0, 1], "a class without photos has none"
    groups = np.asarray(photos.groups)
    assert len(sheet[0]) == PER_CLASS
    assert set(groups[sheet[0][:7]]) == set(groups)
    assert set(photos.labels[sheet[1]]) == {1}
    spread = contact_sheet(replace(photos, groups=photos.paths, grouped=False))[0]
    assert (len(spread), spread[0], spread[-1]) == (PER_CLASS, 0, np.flatnonzero(photos.labels == 0)[-1])


def test_the_page_begins_with_the_overview_and_ends_with_the_command(tmp_path: Path) -> None:
    result = check_folder(draw_people(tmp_path / "people"))
    write_check(result, tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    sections = re.findall(r'<section id="([^"]+)">', page)
    assert (sections[0], sections[-1]) == ("overview", "next-step")
    command = re.search(r'<pre class="command">(.*?)</pre>', page, re.DOTALL)
    assert command is not None
    assert unescape(command[1]) == result.headline.command, "which tests of the headline follow"
    assert page.count("data:image/jpeg") >= 2 * PER_CLASS
    assert len(page) < 4 / 3 * PAGE_BYTES


def test_only_photos_that_are_shown_share_the_bytes() -> None:
    assert count_shown([["a"] * 9, ["b"]]) == 7
    assert count_shown([["a"]] * 30) == 24
