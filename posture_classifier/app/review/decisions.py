"""A review: the queue, what was decided of it, and which photos may be asked for."""

import threading
from typing import Any, get_args

from posture_classifier.app.review.background_check import BackgroundCheck
from posture_classifier.app.review.queue import (
    ERROR,
    Item,
    Reason,
    items_of_examples,
    make_queue,
    reasons_of_errors,
    reasons_of_findings,
)
from posture_classifier.app.review.source import Source
from posture_classifier.data.fixes import Decision, Fix, add_fixes, read_fixes, take_back_last
from posture_classifier.data.folder import detect_layout, read_folder
from posture_classifier.data.photo_table import read_photo_table
from posture_classifier.images.photo_source import photo_file
from posture_classifier.rendering.translation import Translator
from posture_classifier.utils.text import normalise_name

ABOUT_ALL = ("file_property_shortcut", "light_shortcut", "groups", "group_leaks", "class_imbalance")
"""Findings that no decision about a single photo cures; a sentence, where no examples show it."""


class Review:
    """Holds a queue, and takes decisions about its photos; safe for use by several threads.

    Photos are named by numbers, which stay as they are while the program runs: nobody can ask for a
    file that is not in the queue.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        pattern, layout = source.data.get("group_pattern"), source.data.get("layout")
        self.check = BackgroundCheck(source.root, pattern, layout, source.table)
        if source.table is None:
            photos = read_folder(source.root, layout=layout or detect_layout(source.root, ask=False))
        else:
            photos = read_photo_table(source.table, source.root, missing=True)
        self.classes = list(photos.classes)
        self._labels = {path: photos.classes[label] for path, label in zip(photos.paths, photos.labels.tolist(), strict=True)}
        self._errors = [reason for reason in reasons_of_errors(source.tables) if reason.photos[0] in self._labels]
        self._items: tuple[str, list[Item]] | None = None
        self._paths: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def file(self, number: int) -> str | None:
        """The file of a photo; None where no photo has that number."""
        return photo_file(self.source.root, self._paths[number]) if 0 <= number < len(self._paths) else None

    def state(self, language: str) -> dict[str, Any]:
        """All that the page shows, as plain values."""
        with self._lock:
            self.check.start()
            items, fixes = self._queue(), self._fixes()
            translator = self._translator(language)
            shown = [self._item(item, fixes, translator) for item in items]
        return {
            "root": str(self.source.root),
            "run": None if self.source.run is None else str(self.source.run),
            "fixes": str(self.source.fixes),
            "classes": self.classes,
            "check": self._progress(translator),
            "notes": self._notes(items, translator),
            "items": shown,
            "counts": self._counts(fixes),
        }

    def decide(self, numbers: list[int], decision: Decision, new_label: str = "") -> dict[str, int]:
        """Write a decision about photos; it is on the disk afterwards.

        Returns:
            How many photos there are of each decision, below the folder.

        Raises:
            KeyError: There is no such photo, or no such class.
            UserError: The file of the fixes cannot be written.
        """
        if decision == "relabel" and new_label not in self.classes:
            raise KeyError(new_label)
        with self._lock:
            reasons = {path: _words(item, path) for item in self._queue() for path in item.photos}
            fixes = []
            for path in [self._paths[number] for number in numbers]:
                label = self._labels[path]
                same = decision == "relabel" and new_label == label
                new = new_label if decision == "relabel" and not same else ""
                fixes.append(Fix.now(path, "fine" if same else decision, label, new, reasons.get(path, "")))
            add_fixes(self.source.fixes, fixes)
            return self._counts(self._fixes())

    def undo(self) -> int | None:
        """Take back the last decision about a photo of the queue; returns its number, if any."""
        with self._lock:
            self._queue()
            photo = take_back_last(self.source.fixes, self._numbers)
            return None if photo is None else self._numbers[photo]

    def _progress(self, translator: Translator) -> dict[str, Any]:
        check = self.check
        return {"state": check.state, "done": check.done, "total": check.total, "problem": translator.text(check.problem)}

    def _counts(self, fixes: dict[str, Fix]) -> dict[str, int]:
        decisions = [fix.decision for fix in fixes.values() if fix.path in self._labels]
        return {name: decisions.count(name) for name in get_args(Decision)}

    def _fixes(self) -> dict[str, Fix]:
        return read_fixes(self.source.fixes) if self.source.fixes.exists() else {}

    def _queue(self) -> list[Item]:
        """The items; made anew when the check has ended."""
        state = self.check.state
        if self._items is None or self._items[0] != state:
            found = self.check.result.findings if self.check.result else []
            doubts = reasons_of_findings(found, self._labels)
            queue = make_queue([*self._errors, *(each for each in doubts if self._knows(each))])
            after_errors = sum(any(reason.kind == ERROR for reason in item.reasons) for item in queue)
            queue[after_errors:after_errors] = items_of_examples(found, queue)
            self._items = (state, queue)
            for path in (path for item in self._items[1] for path in item.photos):
                if path not in self._numbers:
                    self._numbers[path] = len(self._paths)
                    self._paths.append(path)
        return self._items[1]

    def _knows(self, reason: Reason) -> bool:
        return all(path in self._labels for path in reason.photos)

    def _item(self, item: Item, fixes: dict[str, Fix], translator: Translator) -> dict[str, Any]:
        def plain(reason: Reason) -> dict[str, Any]:
            photos = [self._numbers[path] for path in reason.photos if path in item.photos]
            text = {"text": translator.text(reason.values["text"])} if "text" in reason.values else {}
            return {"kind": reason.kind, "photos": photos} | reason.values | text

        return {
            "photos": [self._photo(path, fixes.get(normalise_name(path))) for path in item.photos],
            "reasons": list(map(plain, item.reasons)),
        }

    def _photo(self, path: str, fix: Fix | None) -> dict[str, Any]:
        decided = {"decision": fix.decision, "new_label": fix.new_label} if fix else {"decision": None, "new_label": ""}
        return {"number": self._numbers[path], "path": path, "label": self._labels[path]} | decided

    def _translator(self, language: str) -> Translator:
        names = self.check.result.names if self.check.result else set(self.classes)
        return Translator(language, names)

    def _notes(self, items: list[Item], translator: Translator) -> list[str]:
        """Sentences about all photos that no item shows."""
        shown = {reason.kind for item in items for reason in item.reasons}
        found = self.check.result.findings if self.check.result else []
        return [translator.text(each.text) for each in found if each.kind in ABOUT_ALL and each.kind not in shown]


def _words(item: Item, path: str) -> str:
    """The reasons for looking at a photo, as they stand in the file."""
    words = []
    for reason in (each for each in item.reasons if path in each.photos):
        if reason.kind == ERROR:
            words.append(f"error: said {reason.values['said']} ({reason.values['share']:.2f})")
        elif said := reason.values.get("said"):
            words.append(f"{reason.kind}: looks like {said}")
        else:
            words.append(reason.kind)
    return "; ".join(dict.fromkeys(words))
