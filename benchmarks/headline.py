"""What the headline of ``check`` expects of folders, and how long ``fit`` takes to say it.

    python -m benchmarks.headline data/turtle_neck FOLDER ... --videos 3 4 8

``--videos`` draws the made set of so many people, 60 frames each. The first look at a folder fills
the cache; the seconds are those of the second, which is what ``fit`` waits for.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.folder_layout import list_folder
from posture_classifier.check.headline import cached_headline
from posture_classifier.data.module import PostureData
from tests.helpers.videos import draw_videos


def folders(given: list[Path], people: list[int], place: Path) -> Iterator[Path]:
    """The folders that are given, and the made sets."""
    yield from given
    for number in people:
        yield draw_videos(place / f"videos_of_{number}", number, 60)


def main() -> None:
    """Print a row for each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--videos", nargs="*", type=int, default=[])
    options = parser.parse_args()
    print("| photos | groups | random split | new groups | advised | seconds |\n|---|---|---|---|---|---|")
    with TemporaryDirectory() as place:
        for root in folders(options.folders, options.videos, Path(place)):
            _ = CheckedFolder(list_folder(root).photos, lambda done, n: None).scan
            data = PostureData(str(root))
            photos = replace(data.photos, splits=data.choice.indexed.splits)
            digests, white = data.digests, data.deep_photos.white
            start = time.perf_counter()
            headline = cached_headline(photos, digests, white, (), ())
            seconds = time.perf_counter() - start
            assert headline is not None
            new = headline.values["new_groups"] or {"value": None, "low": None, "high": None}
            shares = [f"{share:.3f}" if share is not None else "-" for share in (headline.values["random_split"], *new.values())]
            advised = (headline.command or headline.refusal).partition(f"{root} ")[2] or "-"
            groups = headline.values["groups"] or "-"
            print(
                f"| `{root.name}`, {len(photos)} | {groups} | {shares[0]} | {shares[1]} ({shares[2]} to {shares[3]}) "
                f"| `{advised}` | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
