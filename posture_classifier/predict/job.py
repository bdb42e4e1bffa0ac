"""What a command line of ``predict`` asks for: checked, then done."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posture_classifier.predict.manifest import Manifest, Options, check_same, new_manifest, read_manifest
from posture_classifier.predict.row_file import SUFFIXES, RowFile, part_of
from posture_classifier.predict.shard import Shard
from posture_classifier.utils.console import busy
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_file, check_output_folder
from posture_classifier.utils.parquet import SUFFIX, require_pyarrow

if TYPE_CHECKING:
    from posture_classifier.data.left_out import LeftOutCounts
    from posture_classifier.inference import PhotoClassifier
    from posture_classifier.predict.catching import Catch
    from posture_classifier.predict.heat_maps import HeatMaps
    from posture_classifier.predict.summary import Summary

RECALL = 0.95
"""Share of a class that is caught unless told otherwise."""


@dataclass(frozen=True)
class Done:
    """What a job has done.

    Attributes:
        summary: Counts of the rows, and the first of them.
        left_out: Files that are no photos.
        sentences: What was counted and measured.
        first: Seconds to the first prediction; 0 where all were there already.
    """

    summary: "Summary"
    left_out: "LeftOutCounts"
    sentences: list[str]
    first: float


@dataclass(frozen=True)
class Job:
    """Photos to be classified, by what, and where to: the options of the command.

    The table ``output`` and the folder ``explain``, if wanted, are what all shards make together.
    """

    checkpoint: str
    paths: list[str]
    shard: Shard
    output: Path | None
    overwrite: bool
    catch: str | None
    recall: float | None
    explain: Path | None
    batch_size: int | None
    device: str | None
    precision: Literal["auto", "fp32"]
    started: float = field(default_factory=time.perf_counter)

    @property
    def table(self) -> Path | None:
        """The table of this part."""
        return None if self.output is None else self.shard.of_path(self.output)

    def check_options(self) -> None:
        """Check what can be told from the options alone.

        Raises:
            UserError: They do not go together, or an output cannot be written.
        """
        if self.recall is not None and self.catch is None:
            raise UserError("--recall says how much of a class is to be caught; name the class with --catch")
        if self.output is None and self.shard.of > 1:
            raise UserError("a shard is a part of a table; name the table with --output")
        if self.output is not None and self.output.suffix == SUFFIX:
            require_pyarrow("write .csv or .jsonl")
        if self.output is not None and any(Path(path).resolve() == self.output.resolve() for path in self.paths):
            raise UserError(f"--output {self.output} is also what lists the photos, and would be replaced; choose another name")
        # The table of a shard may be there: a launcher starts processes again that were done.
        check_output_file("--output", self.table, SUFFIXES, self.overwrite or (self.shard.of > 1 and not self._is_foreign()))
        if self.explain is not None:
            resumes = self.table is not None and part_of(self.table).exists()
            check_output_folder("--explain", self.shard.of_path(self.explain), self.overwrite or resumes)

    def is_done(self) -> bool:
        """Whether this job's shard was finished already, by the same command."""
        if self.table is None or self.shard.of == 1 or self.overwrite or not self.table.is_file():
            return False
        check_same(read_manifest(self.table), self.manifest(), self.table)
        return True

    def _is_foreign(self) -> bool:
        """Whether the table was not finished by this command."""
        manifest = None if self.table is None else read_manifest(self.table)
        return manifest is None or "finished" not in manifest

    def manifest(self, columns: list[str] | None = None) -> Manifest:
        """What is to be written; without columns where those are not known yet."""
        from posture_classifier.predict.classifiers import network_file

        recall = (self.recall or RECALL) if self.catch else None
        options = Options(precision=self.precision, catch=self.catch, recall=recall, heat_maps=self.explain is not None)
        return new_manifest(network_file(self.checkpoint), self.paths, options, self.shard, columns)

    def run(self) -> Done:
        """Classify the photos.

        Raises:
            UserError: The network or the photos are not as they must be.
        """
        from posture_classifier.predict.photo_list import ShardWalk
        from posture_classifier.predict.table_list import list_photos

        with busy("Looking for photos"):
            photos = list_photos(self.paths)
            walk = ShardWalk(photos, self.shard)
        from posture_classifier.predict.classifiers import network_file, open_classifier
        from posture_classifier.predict.classify import Network, classify
        from posture_classifier.predict.progress import Progress
        from posture_classifier.predict.rows import Rows

        classifier = open_classifier(network_file(self.checkpoint), self.device, self.precision)
        catch = self._find_catch(classifier)
        heat_maps = self._heat_maps(classifier)
        rows = Rows(classifier, catch, heat_maps is not None)
        table = None if self.table is None else RowFile(self.table, self.manifest(rows.columns), self.overwrite)
        with table or nullcontext(), Progress(photos, self.shard) as progress:
            summary = classify(Network(classifier, rows, heat_maps, self.batch_size), walk, table, progress)
        sentences = summary.sentences(classifier.evaluation, catch) + ([str(heat_maps)] if heat_maps else [])
        return Done(summary, walk.left_out, sentences, progress.first - self.started if progress.first else 0.0)

    def _find_catch(self, classifier: "PhotoClassifier") -> "Catch | None":
        from posture_classifier.predict.catching import find_catch

        if self.catch is None:
            return None
        return find_catch(self.catch, self.recall or RECALL, classifier.class_names, classifier.evaluation, self.checkpoint)

    def _heat_maps(self, classifier: "PhotoClassifier") -> "HeatMaps | None":
        from posture_classifier.inference import Classifier
        from posture_classifier.predict.heat_maps import HeatMaps

        if self.explain is None:
            return None
        if not isinstance(classifier, Classifier):
            raise UserError(
                f"--explain takes the gradients of a checkpoint, and {self.checkpoint} is an exported model; give the checkpoint"
            )
        return HeatMaps(classifier, self.shard.of_path(self.explain))
