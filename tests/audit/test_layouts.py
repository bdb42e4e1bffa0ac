"""Tables in the layouts of other programs are read as what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.audit.columns import ColumnNames
from posture_classifier.audit.foreign_predictions import ForeignPredictions, read_foreign_predictions
from posture_classifier.audit.photos import read_photos
from posture_classifier.data.folder import read_folder
from posture_classifier.utils.errors import UserError
from tests.helpers import foreign_exports as exports
from tests.helpers.foreign_exports import Predicted, Writer, predict_by_lot
from tests.helpers.photos import draw_photos


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    root = tmp_path_factory.mktemp("two") / "photos"
    return predict_by_lot(draw_photos(root, people=6, each=2, classes=("normal", "turtle neck")))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    root = tmp_path_factory.mktemp("three") / "photos"
    return predict_by_lot(draw_photos(root, people=5, each=2, classes=("normal", "slouch", "turtle")))


def read(predicted: Predicted, table: Path, names: ColumnNames | None = None) -> ForeignPredictions:
    found = read_foreign_predictions(table, read_folder(predicted.root, r"person\d+"), names)
    assert found.table.paths.tolist() == predicted.paths
    assert found.table.predictions.labels.tolist() == predicted.labels.tolist()
    assert found.table.predictions.predicted.tolist() == predicted.probabilities.argmax(1).tolist()
    assert found.table.grouped
    return found


@pytest.mark.parametrize("writer", [*exports.OF_ALL_CLASSES, *exports.OF_TWO_CLASSES], ids=lambda writer: writer.__name__)
def test_two_classes(two: Predicted, tmp_path: Path, writer: Writer) -> None:
    found = read(two, writer(two, tmp_path / "table.csv"))
    assert found.table.predictions.known == "probabilities"
    assert found.table.predictions.probabilities == pytest.approx(two.probabilities, abs=1e-5)
    assert found.counts == dict.fromkeys(found.counts, 0)


@pytest.mark.parametrize("writer", exports.OF_ALL_CLASSES, ids=lambda writer: writer.__name__)
def test_three_classes(three: Predicted, tmp_path: Path, writer: Writer) -> None:
    found = read(three, writer(three, tmp_path / "table.csv"))
    assert found.table.predictions.known == "probabilities"
    assert found.table.predictions.probabilities == pytest.approx(three.probabilities, abs=1e-5)


def test_all_classes_in_rows_of_their_own(three: Predicted, tmp_path: Path) -> None:
    found = read(three, exports.ultralytics(three, tmp_path / "table.csv"))
    assert found.table.predictions.probabilities == pytest.approx(three.probabilities, abs=1e-4)
    assert found.table.predictions.known == "probabilities"


@pytest.mark.parametrize("writer", [exports.timm_top_1, exports.ultralytics_top_1], ids=lambda writer: writer.__name__)
def test_the_most_probable_of_three_classes_alone(three: Predicted, tmp_path: Path, writer: Writer) -> None:
    """How sure it is is known, which is all that calibration needs; the rest is not."""
    found = read(three, writer(three, tmp_path / "table.csv")).table.predictions
    assert found.known == "confidence"
    assert found.confidence == pytest.approx(three.probabilities.max(1), abs=1e-5)


def test_two_of_three_classes_leave_one_number(three: Predicted, tmp_path: Path) -> None:
    found = read(three, exports.timm_top(three, tmp_path / "table.csv")).table.predictions
    assert found.probabilities == pytest.approx(three.probabilities, abs=1e-6)


def test_labels_alone(two: Predicted, tmp_path: Path) -> None:
    """Names of files are enough where no two photos share one."""
    root = tmp_path / "photos"
    for number, path in enumerate(two.paths):
        copy = root / Path(path).parent / f"{number:03}.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((two.root / path).read_bytes())
    renamed = replace(two, root=root, paths=[path.relative_to(root).as_posix() for path in sorted(root.glob("*/*"))])
    table = exports.scikit_learn(renamed, tmp_path / "table.csv")
    found = read_foreign_predictions(table, read_folder(root)).table
    assert found.paths.tolist() == renamed.paths
    assert found.predictions.known == "label"
    assert found.predictions.predicted.tolist() == two.probabilities.argmax(1).tolist()


def test_columns_that_the_user_names(two: Predicted, tmp_path: Path) -> None:
    rows = [[path, true, said] for path, true, said in zip(two.paths, two.true, two.said, strict=True)]
    table = exports.write(tmp_path / "table.csv", ["where", "doctor", "network"], rows)
    assert read(two, table, ColumnNames("where", "doctor", "network")).table.predictions.known == "label"


def test_a_label_beside_probabilities_may_be_what_is_said_or_what_is_true(two: Predicted, tmp_path: Path) -> None:
    """``predict`` writes the former and ``fit`` the latter under one name."""
    for column, said in (("said", two.said), ("true", two.true)):
        rows = [[path, label, *shares] for path, label, shares in zip(two.paths, said, two.probabilities, strict=True)]
        table = exports.write(tmp_path / f"{column}.csv", ["path", "label", *two.classes], rows)
        assert read(two, table).counts["contradictory_labels"] == 0


@pytest.mark.parametrize("column", ["label", "y_true", "truth_of_the_doctor"])
def test_photos_in_one_folder_have_the_classes_of_the_table(two: Predicted, tmp_path: Path, column: str) -> None:
    """As fastai's ``from_name_func`` has them; two photos are not in the table, or of no class."""
    root = tmp_path / "flat"
    root.mkdir()
    names = [f"person{number // 4}_{number:02}.png" for number in range(len(two.paths))]
    for name, path in zip(names, two.paths, strict=True):
        (root / name).write_bytes((two.root / path).read_bytes())
    rows: list[list[object]] = [
        [name, true, said, *shares] for name, true, said, shares in zip(names, two.true, two.said, two.probabilities, strict=True)
    ]
    rows[1][1] = ""
    table = exports.write(tmp_path / "table.csv", ["fname", column, "pred", *two.classes], rows[1:])
    photos = read_photos(root, r"person\d+", None)
    found = read_foreign_predictions(table, photos, ColumnNames(label=column) if column.startswith("truth") else None)
    assert found.table.paths.tolist() == names[2:]
    assert found.table.classes == two.classes
    assert found.table.predictions.labels.tolist() == two.labels[2:].tolist()
    assert found.counts == dict.fromkeys(found.counts, 0) | {"without_prediction": 2, "without_photo": 1}
    assert found.table.grouped


def test_a_sigmoid_under_the_name_of_a_prediction(two: Predicted, tmp_path: Path) -> None:
    columns = zip(two.paths, two.labels, two.probabilities[:, 1], strict=True)
    table = exports.write(tmp_path / "table.csv", ["filename", "label", "prediction"], list(columns))
    assert read(two, table).table.predictions.probabilities == pytest.approx(two.probabilities)


def test_a_prediction_that_is_not_the_most_probable_class(two: Predicted, tmp_path: Path) -> None:
    """As with another threshold than one half: the probabilities count, and it is said."""
    said = ["normal", *two.said[1:]] if two.said[0] != "normal" else ["turtle neck", *two.said[1:]]
    rows = [[path, word, *shares] for path, word, shares in zip(two.paths, said, two.probabilities, strict=True)]
    notes = read(two, exports.write(tmp_path / "table.csv", ["path", "pred", *two.classes], rows)).notes
    assert len(notes) == 1
    assert "1 photo" in notes[0]


def test_what_predict_wrote(two: Predicted, tmp_path: Path) -> None:
    """Its ``label`` is what the network says, and a photo that it could not read has none."""
    columns = zip(two.paths, two.said, two.probabilities.max(1), two.probabilities, strict=True)
    rows: list[list[object]] = [[path, said, share, *shares, ""] for path, said, share, shares in columns]
    rows[0] = [two.paths[0], "", "", "", "", "it is empty"]
    table = exports.write(tmp_path / "table.csv", ["path", "label", "probability", *two.classes, "error"], rows)
    found = read_foreign_predictions(table, read_folder(two.root))
    assert found.table.predictions.labels.tolist() == two.labels[1:].tolist()
    assert found.counts == dict.fromkeys(found.counts, 0) | {"without_prediction": 1, "without_content": 1}


def test_a_true_class_that_is_not_the_folders(two: Predicted, tmp_path: Path) -> None:
    rows = [[path, label, *shares] for path, label, shares in zip(two.paths, two.labels, two.probabilities, strict=True)]
    rows[0][1] = 1
    table = exports.write(tmp_path / "table.csv", ["path", "target", *two.classes], rows)
    found = read(two, table)
    assert found.counts["contradictory_labels"] == 1
    by_column = read_foreign_predictions(table, read_folder(two.root), ColumnNames(label="target"))
    assert by_column.table.predictions.labels.tolist() == [1, *two.labels[1:].tolist()]


def test_what_a_table_may_lack_or_repeat(two: Predicted, tmp_path: Path) -> None:
    rows: list[list[object]] = [[path, *shares] for path, shares in zip(two.paths, two.probabilities, strict=True)]
    lacking = [*rows[3:], rows[3], [rows[1][0], "", ""], ["normal/nobody.png", 0.5, 0.5]]
    found = read_foreign_predictions(exports.write(tmp_path / "table.csv", ["path", *two.classes], lacking), read_folder(two.root))
    assert len(found.table) == len(two.paths) - 3
    assert found.counts == {
        "without_prediction": 3,
        "without_photo": 1,
        "without_content": 1,
        "repeated_rows": 1,
        "contradictory_labels": 0,
    }
    assert found.table.predictions.probabilities == pytest.approx(two.probabilities[3:])


@pytest.mark.parametrize(
    ("head", "rows", "expected"),
    [
        (["where", "normal", "turtle neck"], [["?", 0.5, 0.5]], ["where, normal, turtle neck", "--path_column"]),
        (["path", "size"], [["{0}", 3]], ["path, size", "--predicted_column", "normal, turtle neck"]),
        (["path", "pred"], [["{0}", "cat"]], ["pred", "cat", "normal, turtle neck"]),
        (["path", "normal", "turtle neck"], [["{0}", 0.5, "much"]], ["much", "row 1", "turtle neck"]),
        (["path", "normal", "turtle neck"], [["{0}", 0.9, 0.8]], ["normal, turtle neck", "1.7", "softmax"]),
        (["path", "normal", "turtle neck"], [["{0}", 0.9, 0.1], ["{0}", 0.8, 0.2]], ["1 photo", "rows 1 and 2"]),
        (["path", "pred"], [["{0}", 0], ["{0}", 1]], ["1 photo", "rows 1 and 2"]),
        (["path", "name", "confidence"], [["{0}", "normal", 0.9], ["{0}", "turtle neck", 0.8]], ["contradict"]),
        (["path", "normal", "turtle neck"], [["elsewhere.png", 0.5, 0.5]], ["no photo below", "elsewhere.png", "{0}"]),
        (["path", "normal", "turtle neck"], [["person0_0.png", 0.5, 0.5]], ["person0_0.png", "normal/person0_0.png"]),
        (["path", "normal", "turtle neck"], [], ["no row"]),
        (["path", "label"], [["{0}", "normal"]], ["label", "true", "--predicted_column label"]),
        (
            ["path", "label", "category"],
            [["{0}", 0, 1], ["{1}", 0, 0]],
            ["label, category", "--predicted_column", "--label_column"],
        ),
        (["path", "label", "prob"], [["{0}", "normal", 0.9], ["{1}", "normal", 0.8]], ["label", "--predicted_column label"]),
        (["path", "pred", "conf"], [["{0}", 1, 0.9], ["{1}", 1, ""]], ["conf", "row 2"]),
        (["path", "normal", "turtle neck"], [["{0}", "", ""]], ["no prediction"]),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    two: Predicted, tmp_path: Path, head: list[str], rows: list[list[object]], expected: list[str]
) -> None:
    cells = [[str(cell).format(*two.paths) for cell in row] for row in rows]
    table = exports.write(tmp_path / "table.csv", head, cells)
    with pytest.raises(UserError) as error:
        read_foreign_predictions(table, read_folder(two.root))
    assert "\n" not in str(error.value)
    assert not [fact for fact in expected if fact.format(*two.paths) not in str(error.value)]


def test_a_class_without_a_column(three: Predicted, tmp_path: Path) -> None:
    """The column ``label`` must not stand in for the prediction then."""
    rows = [[path, true, *shares[:2]] for path, true, shares in zip(three.paths, three.true, three.probabilities, strict=True)]
    table = exports.write(tmp_path / "table.csv", ["path", "label", "normal", "slouch"], rows)
    with pytest.raises(UserError, match="turtle"):
        read_foreign_predictions(table, read_folder(three.root))


def test_a_number_of_no_class(three: Predicted, tmp_path: Path) -> None:
    table = exports.write(tmp_path / "table.csv", ["path", "score"], [[path, 0.7] for path in three.paths])
    with pytest.raises(UserError, match=r"score.*--predicted_column"):
        read_foreign_predictions(table, read_folder(three.root))


def test_logits_are_said_to_be_taken_as_such(two: Predicted, tmp_path: Path) -> None:
    assert read(two, exports.timm_logits(two, tmp_path / "table.csv")).notes


def test_one_logit_of_two_classes(two: Predicted, tmp_path: Path) -> None:
    logit = np.log(two.probabilities[:, 1] / two.probabilities[:, 0])
    table = exports.write(
        tmp_path / "table.csv", ["path", "turtle neck"], [[path, x] for path, x in zip(two.paths, logit, strict=True)]
    )
    assert read(two, table).table.predictions.probabilities == pytest.approx(two.probabilities)
