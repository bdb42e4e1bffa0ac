"""Takes photos through a network, row by row."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from posture_classifier.images.photo_inputs import Photo
from posture_classifier.inference import PhotoClassifier, Prediction
from posture_classifier.models.grad_cam import BATCH_SIZE
from posture_classifier.predict.heat_maps import HeatMaps
from posture_classifier.predict.photo_list import ShardWalk
from posture_classifier.predict.progress import Progress
from posture_classifier.predict.row_file import RowFile
from posture_classifier.predict.rows import Rows
from posture_classifier.predict.summary import Summary
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Cause, StopFunction
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.text import plural


@dataclass(frozen=True)
class Network:
    """What classifies, and what is made of its answers; None as a batch size suits the device."""

    classifier: PhotoClassifier
    rows: Rows
    heat_maps: HeatMaps | None = None
    batch_size: int | None = None


def classify(network: Network, walk: ShardWalk, table: RowFile | None, progress: Progress) -> Summary:
    """Classify all photos of a walk, each row being written before the next; memory stays flat.

    Rows that the table holds already are not computed again.

    Raises:
        UserError: The rows that are there already are of other photos.
    """
    summary = Summary()
    with at_stop(_how_to_go_on(progress, table)):
        if table is not None and table.resumed:
            _take_up(table, walk, summary)
            say(f"{plural(summary.rows, 'photo')} are done in {table.part}, and the others follow")
        progress.begin(summary.rows)
        predictions = _predictions(network, walk)
        size = BATCH_SIZE if network.heat_maps else 1
        for some in iter(lambda: list(islice(predictions, size)), []):
            pictures: list[str | None] = [None] * len(some)
            if network.heat_maps is not None:
                pictures = network.heat_maps.write([(walk.photos.file(each.path), network.rows.label(each)) for each in some])
            for prediction, picture in zip(some, pictures, strict=True):
                row = network.rows.row(prediction, picture)
                if table is not None:
                    table.append(row)
                summary.add(row)
                progress.advance()
        if table is not None:
            table.finish(summary.rows, summary.unreadable, walk.listed, walk.digest)
    return summary


def _predictions(network: Network, walk: ShardWalk) -> Iterator[Prediction]:
    """Classify photos, each under the name that it has in the walk."""
    names: deque[str] = deque()

    def sources() -> Iterator[Photo]:
        for name in walk:
            names.append(name)
            yield walk.photos.source(name)

    for prediction in network.classifier.stream(sources(), network.batch_size):
        yield replace(prediction, path=names.popleft())


def _take_up(table: RowFile, walk: ShardWalk, summary: Summary) -> None:
    """Pass over the photos whose rows are there."""
    for row in table.rows_before():
        photo = next(walk, None)
        if row["path"] != photo:
            raise UserError(
                f"{table.part} cannot be resumed, since the photos are others than when it was begun: after "
                f"{plural(summary.rows, 'photo')} it has {row['path']}, where there is {photo or 'none more'} now; "
                "remove it to begin anew"
            )
        summary.add(row)


def _how_to_go_on(progress: Progress, table: RowFile | None) -> StopFunction:
    def say_it(_: Cause) -> str:
        if table is None:
            return progress.describe("were done")
        return f"{progress.describe(f'are in {table.part}')}; the same command goes on"

    return say_it
