"""When to trust an answer: the rules that the checkpoint holds, and what they are worth."""

from posture_classifier.rendering.elements import render
from posture_classifier.rendering.page import Section
from posture_classifier.report.finished_folds import FinishedFolds
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.runs.checkpoints import Abstention, Familiarity, read_evaluation
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.decision_rules import choose_familiarity_of_runs, choose_rules
from posture_classifier.runs.rule_words import describe_abstention, describe_familiarity

TITLE = "When to trust an answer"


def trust_section(run: FinishedRun) -> Section | None:
    """Say when the network of a run is not sure, and when a photo is new to it."""
    if not run.checkpoint_content:
        return None
    evaluation = read_evaluation(run.checkpoint, run.checkpoint_content)
    return _section(evaluation.abstention, evaluation.familiarity) if evaluation else None


def folds_trust_section(folds: FinishedFolds, choice: Choice) -> Section | None:
    """The same of the networks of a cross-validation, each fold judging what the others choose."""
    seed = folds.summary["seed"]
    familiarity = choose_familiarity_of_runs([run.folder for run in folds.runs.values()], seed) if folds.is_complete else None
    return _section(choose_rules(folds.evaluated, choice, True, seed).abstention, familiarity)


def _section(abstention: Abstention | None, familiarity: Familiarity | None) -> Section | None:
    sentences = [sentence for sentence in (describe_abstention(abstention), describe_familiarity(familiarity)) if sentence]
    return Section(TITLE, render("report.html", "trust", sentences=sentences)) if sentences else None
