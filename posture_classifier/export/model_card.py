"""``MODEL_CARD.md``: what a model is good for and how good it is, with Hugging Face's fields."""

from typing import Any

import yaml

from posture_classifier.export.agreement import MOST_OTHER_LABELS, Agreement, describe_change
from posture_classifier.export.formats import NAME, FormatModule
from posture_classifier.export.metadata import Metadata, evaluation_of
from posture_classifier.rendering.formatting import describe_estimate, percent, percent_estimate
from posture_classifier.runs.checkpoints import Evaluation
from posture_classifier.utils.text import describe_size, one_line

TASK = "image-classification"
SPECIAL = r"\`*_[]<>|#"
"""Characters that Markdown takes for its own."""


def model_card(metadata: Metadata, module: FormatModule, int8: bool, agreement: Agreement | None, unproven: str | None) -> str:
    """Write the card: YAML between lines of dashes, then Markdown."""
    evaluation = evaluation_of(metadata)
    front = yaml.safe_dump(_front_matter(metadata, module, evaluation), sort_keys=False, allow_unicode=True)
    sections = {
        "What it does": _purpose(metadata),
        "How to use it": _usage(metadata, module),
        "How good it is": _quality(metadata, evaluation, agreement),
        "What it should not be used for": _limits(measured=evaluation is not None or _tells_accuracy(agreement)),
        "Agreement with the checkpoint": _agreement(agreement, unproven),
        "Training": _training(metadata, module, int8),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"---\n{front}---\n\n# {_title(metadata)}\n\n{body}\n"


def _front_matter(metadata: Metadata, module: FormatModule, evaluation: Evaluation | None) -> dict[str, Any]:
    weights = metadata["weights"]
    front: dict[str, Any] = {
        "license": weights["licence"] or "unknown",
        "pipeline_tag": TASK,
        "tags": [TASK, module.TITLE.lower(), "timm", "posture_classifier"],
        "metrics": ["accuracy"],
    }
    if weights["name"] == "timm":
        front["base_model"] = f"timm/{metadata['backbone']}"
    if evaluation and evaluation.accuracy.value is not None:
        metric = {
            "type": "accuracy",
            "value": round(evaluation.accuracy.value, 4),
            "name": f"accuracy {describe_estimate(evaluation.accuracy)}, 95 % interval over groups",
        }
        dataset = {"type": "private", "name": f"{describe_size(vars(evaluation))}, {evaluation.procedure}"}
        result = {"task": {"type": TASK}, "dataset": dataset, "metrics": [metric]}
        front["model-index"] = [{"name": _title(metadata, escaped=False), "results": [result]}]
    return front


def _title(metadata: Metadata, escaped: bool = True) -> str:
    names = [one_line(name) for name in metadata["classes"][:4]]
    more = " ..." if len(metadata["classes"]) > 4 else ""
    return f"{metadata['backbone']}: {', '.join(_text(name) if escaped else name for name in names)}{more}"


def _purpose(metadata: Metadata) -> str:
    classes = ", ".join(f"**{_text(name)}**" for name in metadata["classes"])
    return f"It tells photos of {len(metadata['classes'])} classes apart: {classes}. It says a probability for each."


def _usage(metadata: Metadata, module: FormatModule) -> str:
    side = metadata["preprocessing"]["image_size"]
    size = "(height, width, 3), upright RGB of any size" if module.ANY_SIZE else f"({side}, {side}, 3), upright RGB"
    lines = [
        f"Input `image`: uint8 {size}. Output `probabilities`: one for each class, in the "
        "order above" + ("; `distance`: how unlike the training photos it is." if metadata["familiarity"] else "."),
        f"{'Crop, resize, normalisation' if module.ANY_SIZE else 'Normalisation'} and calibration are inside; turn the photo "
        "upright by its EXIF orientation first" + ("." if module.ANY_SIZE else ", and make it a square as the training did."),
    ]
    file = f"{NAME}{module.SUFFIX}"
    if module.PREDICT:
        lines.append(f"```bash\npip install {module.PREDICT_NEEDS}\npython predict.py photo.jpg\n```")
    program = f"'posture-classifier[{module.EXTRA}]'" if module.EXTRA else "posture-classifier"
    lines.append(f"```bash\npip install {program}\nposture-classifier predict {file} photos/\n```")
    return "\n\n".join(lines)


def _tells_accuracy(agreement: Agreement | None) -> bool:
    return agreement is not None and agreement.accuracy is not None


def _quality(metadata: Metadata, evaluation: Evaluation | None, agreement: Agreement | None) -> str:
    if evaluation is None:
        rest = "those of the proof below are all that is known" if _tells_accuracy(agreement) else "how good it is, is not known"
        return f"The checkpoint holds no figures; {rest}."
    lines = [
        f"Accuracy {percent_estimate(evaluation.accuracy)} on {describe_size(vars(evaluation))} that it had not learnt from "
        f"({evaluation.procedure}). Intervals are over groups, such as people: they tell how it does on other ones."
    ]
    if metadata["temperature"] is not None:
        lines.append(f"Probabilities are calibrated (temperature {metadata['temperature']:.3g}).")
    if rule := evaluation.abstention:
        lines.append(
            f'Below a probability of {rule.threshold:.2f} say "not sure": of such photos {percent_estimate(rule.answered)} get a '
            f"label, and of these {percent_estimate(rule.accuracy)} are right."
        )
    if known := evaluation.familiarity:
        lines.append(
            f"Above a distance of {known.threshold:.3g} a photo is unlike the training photos; of photos of the same kind that is "
            f"said of {percent_estimate(known.false_alarms)}."
        )
    if any(evaluation.thresholds.values()):
        lines.append(_thresholds(evaluation))
    return "\n\n".join(lines)


def _thresholds(evaluation: Evaluation) -> str:
    rows = [
        f"| {_text(name)} | {row.wanted_recall:.2f} | {row.threshold:.3f} | "
        f"{' | '.join(describe_estimate(each) for each in (row.recall, row.false_alarms, row.precision))} |"
        for name, thresholds in evaluation.thresholds.items()
        for row in thresholds
    ]
    head = "| class | to catch | from probability | caught | false alarms | precision |\n|---|---|---|---|---|---|"
    return "\n".join([head, *rows])


def _limits(measured: bool) -> str:
    lines = [
        "- Photos of another kind than those it was trained on: another camera position, light or kind of subject. Its figures say "
        "nothing about them.",
        "- Decisions about a person without somebody who looks at the photo, such as a diagnosis.",
        "- Anything that is none of its classes: it names one of them for every photo.",
    ]
    if not measured:
        lines.insert(0, "- Anything at all before it is tested on photos that it has not learnt from.")
    return "\n".join(lines)


def _agreement(agreement: Agreement | None, unproven: str | None) -> str:
    if agreement is None:
        return f"**Not proven**: {unproven}."
    sentence = (
        f"Run over {describe_size(vars(agreement))}, from file to label, beside the checkpoint in fp32: "
        f"{agreement.other_labels} of {agreement.images} labels differ (more than {percent(MOST_OTHER_LABELS)} would have been "
        f"refused, without int8); probabilities by {agreement.largest_difference:.2g} at most "
        f"and {agreement.mean_difference:.2g} on average."
    )
    if agreement.accuracy and agreement.log_loss:
        rows = ["| | checkpoint | artifact | difference, paired |", "|---|---|---|---|"]
        for title, pair in (("accuracy", agreement.accuracy), ("log loss", agreement.log_loss)):
            cells = describe_estimate(pair.checkpoint), describe_estimate(pair.artifact), describe_change(pair.difference)
            rows.append(f"| {title} | {' | '.join(cells)} |")
        return sentence + "\n\n" + "\n".join(rows)
    return f"{sentence} It has learnt from these photos, so they say nothing about its accuracy."


def _training(metadata: Metadata, module: FormatModule, int8: bool) -> str:
    counts = [f"{split} {describe_size(dict(count))}" for split, count in metadata["photos"].items()]
    weights, versions = metadata["weights"], metadata["versions"]
    return "\n".join(
        [
            f"- Network: {metadata['backbone']}, images of {metadata['preprocessing']['image_size']} pixels; {module.TITLE}"
            f"{', int8' if int8 else ''}.",
            f"- It began from weights of {_text(weights['name'])}, licence {weights['licence'] or 'not known'}.",
            f"- Photos: {'; '.join(counts) or 'not known'}. They are not part of this model.",
            f"- Written by {', '.join(f'{name} {version}' for name, version in versions.items())}.",
        ]
    )


def _text(name: str) -> str:
    """A name as Markdown shows it."""
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in one_line(name))
