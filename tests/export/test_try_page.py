"""The page that classifies in a browser: its files, its policy and its texts."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.export.formats import html
from posture_classifier.export.inlined_modules import IMPORT, inline_modules
from posture_classifier.export.metadata import Metadata
from posture_classifier.export.try_page import RUNTIME, WEB, offline_page, texts, try_page, web_files
from posture_classifier.utils.errors import UserError

METADATA: Metadata = {
    "format": 1,
    "classes": ["normal", "</script><script>alert(1)</script>"],
    "preprocessing": {"image_size": 32, "resize": "crop"},
    "temperature": None,
    "thresholds": {},
    "abstention": None,
    "familiarity": None,
    "evaluation": None,
    "photos": {},
    "weights": {"name": "", "licence": None},
    "versions": {},
    "backbone": "test_resnet",
}


def test_the_runtime_is_the_one_that_is_recorded() -> None:
    recorded = json.loads((RUNTIME / "runtime.json").read_text())
    files = {
        "ort.wasm.bundle.min.mjs": (RUNTIME / "ort.wasm.bundle.min.mjs").read_bytes(),
        "ort-wasm-simd-threaded.wasm": gzip.decompress((RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()),
    }
    for name, content in files.items():
        assert hashlib.sha256(content).hexdigest() == recorded["sha256"][name]
    assert f"ONNX Runtime Web v{recorded['version']}".encode() in files["ort.wasm.bundle.min.mjs"]
    assert "Copyright (c) Microsoft Corporation" in (RUNTIME / "LICENSE").read_text()


def test_the_policy_allows_the_page_and_nothing_else() -> None:
    page = offline_page(METADATA, b"network")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    rules = policy[1].replace("&#39;", "'")
    assert rules.startswith("default-src 'none';")
    assert "unsafe-inline" not in rules
    assert "connect-src" not in rules
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}(?: type=\"module\")?>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in rules
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    assert "<script>alert" not in page


def test_the_served_page_finds_its_files() -> None:
    page = try_page(METADATA, assets="/files", pages=("try", "collect"))
    wanted = re.findall(r'(?:src|href)="/files/([^"]+)"', page)
    assert {"style.css", "try.css", "start_with_server.js"} == set(wanted)
    files = web_files()
    for name, path in files.items():
        for _, other in IMPORT.findall(path.read_text(encoding="utf-8")) if name.endswith(".js") else ():
            assert other in files or other.startswith("runtime/"), (name, other)
    assert 'href="/collect"' in page
    assert "<style" not in page, "its policy allows no inline style"


def test_every_language_says_everything() -> None:
    english, korean = texts()["en"], texts()["ko"]
    assert english.keys() == korean.keys()
    for key, words in english.items():
        assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", korean[key])), key
    source = "".join(path.read_text(encoding="utf-8") for path in [*WEB.glob("*.js"), WEB / "try.html"])
    used = re.findall(r'\btext\(\s*"(\w+)"|data-(?:text|label)="(\w+)"', source)
    assert {one or other for one, other in used} <= english.keys()
    unused = {key for key in english if f'"{key}"' not in source and not key.startswith(("procedure_", "page_"))}
    assert not unused


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('import x from "./other.js";\n', "cannot be inlined"),
        ("export default 1;\n", "cannot be inlined"),
        ('import { b } from "./other.js";\nconst a = 1;\n', "both define a"),
    ],
)
def test_a_module_that_breaks_a_rule_is_not_inlined(tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "other.js").write_text("export const a = 1;\nexport const b = 2;\n")
    (tmp_path / "entry.js").write_text(source)
    with pytest.raises(ValueError, match=reason):
        inline_modules(tmp_path / "entry.js")


def test_a_page_of_somebody_else_is_no_artifact(tmp_path: Path) -> None:
    page = tmp_path / "model.html"
    page.write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match="is not a page that export wrote"):
        html.open(page)
    page.write_text('<script type="application/octet-stream" id="model">AAAA</script>')
    with pytest.raises(UserError, match="is damaged"):
        html.open(page)


def run_javascript(module: str, statements: str) -> Any:
    """The value of ``result`` after statements in Node, with a module of the page at hand."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node is installed")
    script = f"{inline_modules(WEB / module)}\n{statements}\nconsole.log(JSON.stringify(result));"
    done = subprocess.run([node, "--input-type=module"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_smoothing_depends_on_time_and_not_on_the_number_of_frames() -> None:
    statements = """
        const few = new Smoothing(2), many = new Smoothing(2);
        few.add([1, 0], 0); many.add([1, 0], 0);
        few.add([0, 1], 2);
        for (let i = 1; i <= 100; i++) many.add([0, 1], i / 50);
        const result = [few.values, many.values, new Smoothing(0).add([0.3, 0.7], 5)];
    """
    few, many, none = run_javascript("smoothing.js", statements)
    assert few == pytest.approx([0.3679, 0.6321], abs=1e-4)
    assert many == pytest.approx(few)
    assert none == [0.3, 0.7]


def test_no_probability_is_said_to_be_certain() -> None:
    said = run_javascript("texts.js", "const result = [1, 0.9999, 0.5, 0].map(chance).concat(percent(1));")
    assert [each.replace("\xa0", " ") for each in said] == ["> 99 %", "> 99 %", "50 %", "< 1 %", "100 %"]


def test_an_alert_comes_once_a_stretch_and_a_break_ends_it() -> None:
    statements = """
        const watch = new Watch(10);
        const happened = [];
        const during = (from, to, excess) => {
          for (let time = from; time < to; time += 0.5) {
            const { alert, ended } = watch.update(excess, time);
            if (alert) happened.push(["alert", time]);
            if (ended) happened.push(["break", time]);
          }
        };
        during(0, 8, 0.3); during(8, 10, -0.5); // too short to be gone
        during(10, 30, -0.05); // below what begins a stretch, above what ends it
        during(30, 40, -0.5);
        during(40, 41, 0.2); during(41, 50, -0.5); // too short to be a stretch
        during(100, 105, 0.2); during(300, 305, 0.2); // the camera was off between
        const result = happened;
    """
    assert run_javascript("watch.js", statements) == [["alert", 10.5], ["break", 32.5], ["break", 300]]


def test_what_cannot_be_said_is_no_stretch() -> None:
    statements = """
        const clear = { sure: true, familiar: true };
        const result = [
          excessOf([0.2, 0.8], 1, null, clear), excessOf([0.2, 0.8], 1, 0.9, clear),
          excessOf([0.2, 0.8], 1, null, { sure: false, familiar: true }),
          excessOf([0.2, 0.8], 1, 0.5, { sure: true, familiar: false }),
        ];
    """
    assert run_javascript("watch.js", statements) == pytest.approx([0.6, -0.1, -1, -1])


def test_a_timeline_adds_up_by_minute_and_day() -> None:
    statements = """
        const line = new Timeline();
        const noon = new Date(2026, 10, 7, 9, 5, 1);
        line.add(noon, "a", 1.5); line.add(noon, "a", 1); line.add(noon, UNSURE, 2);
        line.at(noon).alerts += 1;
        line.add(new Date(2026, 10, 8), "b", 4);
        const result = { table: line.table(["a", "b"]), totals: line.totals("2026-11-07") };
    """
    assert run_javascript("timeline.js", statements) == {
        "table": [
            ["minute", "a s", "b s", "not sure s", "alerts", "breaks"],
            ["2026-11-07 09:05", 2.5, 0, 2, 1, 0],
            ["2026-11-08 00:00", 0, 4, 0, 0, 0],
        ],
        "totals": {"alerts": 1, "breaks": 0, "seconds": {"a": 2.5, "": 2}},
    }


def test_a_table_is_csv_whatever_is_in_it() -> None:
    statements = """const result = toCsv([["a,b", 'say "no"', null, 0.5], ["two\\nlines", true, "", "한"]]);"""
    assert run_javascript("csv.js", statements) == '"a,b","say ""no""",,0.5\r\n"two\nlines",true,,한\r\n'
