"""What the pages say where something cannot be done: in one shape, and in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from posture_classifier.app.collect.collection import Collection
from posture_classifier.app.errors import FAILED
from posture_classifier.app.workplace import Workplace
from posture_classifier.data.fixes import read_fixes
from posture_classifier.data.table_faults import FAULTS
from posture_classifier.rendering.translation import ENGLISH, Translator, available_languages
from posture_classifier.runs.reading import read_settings
from posture_classifier.utils.errors import UserError
from tests.helpers.local_pages import client_of, encoded, frame, send_photo
from tests.helpers.program import REPOSITORY
from tests.helpers.reached_code import reached

LANGUAGES = [language for language in available_languages() if language != ENGLISH]
HANDLERS = [
    "posture_classifier.app.collect.routes:CollectPage",
    "posture_classifier.app.review.routes:_ReviewPage",
    "posture_classifier.app.security:Guard",
    *(f"posture_classifier.app.try_page:{name}" for name in ("Network", "_web_file", "_no_network")),
]
"""What answers the requests of the pages."""
ERRORS = {"UserError": 0, "NotTestedError": 0, "DecodeError": 0, "Refusal": 1}
"""Errors whose sentence is answered, and the place of the sentence among their arguments."""
NOT_THE_PAGES_OWN = (
    # A network's files and settings: app reads them before it starts, and says so in the terminal.
    "models",
    "inference.py",
    "export",
    *("images/preprocessing.py", "utils/validation.py", "utils/device.py", "runs/checkpoints.py"),
    # Arrays and paths that Python code hands to Classifier; a page sends pixels.
    "images/photo_inputs.py",
    # Its sentences are put together from FAULTS, below.
    "data/table_faults.py",
    # The check tries what it is about to advise on, and passes over what does not work.
    *("data/split.py", "data/folds.py"),
    # Somebody else's folder stands in this program's place: about the machine, not about a page.
    "utils/library_folders.py",
    # --language of commands: a page asks for languages that there are.
    "rendering/translation.py",
)
VALUE = "7"
"""Stands for every value of a sentence: a number, or a name."""
WORDS = {
    "part": "person",
    "between": "hyphens",
    "CONFIG_YAML": "config.yaml",
    "why": "",
    "count": "no photo",
    "photos": "2 photos lie",
}
"""What stands for a value of such a name, which has words of its own."""
ENGLISH_WORDS = r"(?:\b[a-z]+\b,? ){3}\b[a-z]+\b"


def _sentences() -> Iterator[str]:
    for path, node in reached(HANDLERS):
        inside = path.relative_to(REPOSITORY / "posture_classifier")
        if any(Path(each) in (inside, *inside.parents) for each in NOT_THE_PAGES_OWN):
            continue
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS:
                yield from _texts(call.args[ERRORS[call.func.id]])


def _texts(node: ast.expr) -> Iterator[str]:
    """The sentence that an expression writes; none where it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else _value(part) for part in node.values)


def _value(node: ast.expr) -> str:
    """What stands for a value: one of the few words that it can be, or a number."""
    name = node.value.id if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) else ""
    return WORDS.get(name, VALUE)


SENTENCES = sorted({sentence.replace(f"The {VALUE} must be", "The width must be") for sentence in _sentences()} | {FAILED.detail})


def test_the_walk_finds_what_a_handler_raises_and_what_it_calls() -> None:
    assert len(SENTENCES) > 60
    for part in ("no longer below", "The disk is full", "looks the same", "no longer let in", "has no class folders", "damaged"):
        assert any(part in sentence for sentence in SENTENCES), part


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_that_a_page_can_be_answered_is_in_the_table(language: str) -> None:
    translator = Translator(language)
    faults = [f"data.table {VALUE}: 2 rows {what} (row 3 and 1 more); {remedy}" for what, remedy in FAULTS.values()]
    in_english = [text for text in [*SENTENCES, *faults] if re.search(ENGLISH_WORDS, _in_words(translator.text(text)))]
    same = [text for text in [*SENTENCES, *faults] if translator.text(text) == text]

    assert not in_english + same, f"posture_classifier/rendering/languages/{language}.yaml lacks these"


def _in_words(text: str) -> str:
    return text.replace("train, val, test", "")


def test_a_page_is_answered_in_the_language_that_it_asks_for(tmp_path: Path) -> None:
    client = client_of(Workplace(folder=tmp_path))
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "a.jpg").write_bytes(encoded(frame(0)))

    answers = {}
    for header in ("ko", "en", "fr, ko-KR;q=0.5", "", ";;,-"):
        client.headers["Accept-Language"] = header
        answers[header] = send_photo(client, b"").json()

    assert all(answer.keys() == {"error"} for answer in answers.values())
    assert answers["ko"] == answers["fr, ko-KR;q=0.5"] == {"error": "사진으로 읽을 수 없습니다: 빈 파일."}
    assert len({answer["error"] for answer in answers.values()}) == 2


def test_addresses_that_are_not_there_and_values_that_are_wrong_are_sentences(tmp_path: Path) -> None:
    """What Starlette and pydantic would say in their own words."""
    client = client_of(Workplace(folder=tmp_path))
    asked = [
        *(("GET", path) for path in ("/nowhere", "/static/nothing.js", "/api/review/photo/x/large")),
        *(("DELETE", path) for path in ("/collect", "/static/app.css", "/api/collect/photo")),
    ]
    for method, path in asked:
        sentences = []
        for language in (ENGLISH, *LANGUAGES):
            answer = client.request(method, path, headers={"Accept-Language": language})
            assert answer.status_code in (404, 405)
            sentences.append(answer.json()["error"])
        assert re.search("[가-힣]", sentences[1]), sentences
        assert len(sentences[0].split()) > 4, sentences
    answer = client.post("/api/review/decision", json={"photos": []}, headers={"Accept-Language": "ko"})
    assert (answer.status_code, re.search(ENGLISH_WORDS, answer.json()["error"])) == (400, None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_in_a_file_of_a_run_is_said_in_the_language(tmp_path: Path, language: str) -> None:
    translator = Translator(language)
    for settings in (
        "model: {backbone: 3}\ndata: {root: a}",
        "model: {}\ndata: {}",
        "model: {backbone: a, image_size: 0}\ndata: {}",
    ):
        (tmp_path / "config.yaml").write_text(settings)
        with pytest.raises(UserError) as caught:
            read_settings(tmp_path / "config.yaml")
        assert re.search(ENGLISH_WORDS, translator.text(str(caught.value))) is None, caught.value
    for table in ("path\na\n", "decision\nfine\n", "path,decision\n,fine\n"):
        (tmp_path / "fixes.csv").write_text(table)
        with pytest.raises(UserError) as caught:
            read_fixes(tmp_path / "fixes.csv")
        assert re.search(ENGLISH_WORDS, translator.text(str(caught.value))) is None, caught.value


def test_who_is_not_let_in_and_what_nobody_foresaw_have_the_same_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = client_of(Workplace(folder=tmp_path), entered=False)
    stranger.headers["Accept-Language"] = "ko"
    assert re.search("[가-힣]", stranger.get("/api/collect/state").json()["error"])

    client = client_of(Workplace(folder=tmp_path))
    monkeypatch.setattr(Collection, "save", lambda *_: 1 / 0)
    client.headers["Accept-Language"] = "ko"
    answer = send_photo(client, encoded(frame(0)))
    assert (answer.status_code, answer.json().keys()) == (500, {"error"})
    assert re.search("[가-힣]", answer.json()["error"])
