"""The help of ``fit``, ``validate`` and ``test``: what matters, or all options.

Options are read from a file, since building the real parser would import torch.
"""

import re
import shutil
import textwrap
from importlib.resources import files

MAIN_OPTIONS = {
    "fit": {
        "config": "A YAML file with settings; may be given several times, the later wins.",
        "data.root": "The folder of photos: ROOT/CLASS/*.jpg, or ROOT/{train,val,test}/CLASS/*.jpg.",
        "data.group_pattern": r"What in a path names the person or session, such as 'subject-\d+'.",
        "data.group_by": "What makes groups instead: folder, cluster (photos of one scene), exif or none.",
        "data.holdout_groups": "Test exactly these people: anna, or [anna,ben].",
        "data.exclude": "A .csv file of photos to leave out, as check --fix_list writes it.",
        "data.fixes": "A fixes.csv of photos to leave out or to relabel, as the review of app writes it.",
        "data.batch_size": "Photos a step.",
        "model.backbone": "The network; the command backbones lists them with their costs.",
        "model.head": "last_stage, or all_stages, which is better while the network stays frozen.",
        "model.learning_rate": "Peak learning rate of the head.",
        "unfreezing.every_n_epochs": "Open one more stage every n epochs; null trains the head alone.",
        "trainer.max_epochs": "Number of epochs.",
        "seed_everything": "Seed of the split, the new head, the order and the augmentation.",
        "experiment": "Runs go to lightning_logs/EXPERIMENT/; by default the folder's name.",
        "ckpt_path": "Go on from this .ckpt; last is that of the newest run.",
    },
    "evaluation": {
        "config": "The YAML file that the training had, or its run's config.yaml.",
        "ckpt_path": "The .ckpt to evaluate; last is that of the newest run.",
        "data.root": "The folder of photos.",
        "data.split": "The split.csv of a run; by default that of the checkpoint's run.",
        "data.batch_size": "Photos a step.",
    },
}
"""Options that most people need, in a line each; all are described in ``options.txt``."""
EXAMPLES = {
    "fit": (
        "fit my_photos --data.group_pattern 'anna|ben|carla|dora'",
        "fit my_photos --model.backbone tf_efficientnet_lite0 \\\n      --model.head all_stages",
        "fit my.yaml --trainer.max_epochs 40",
        "fit my.yaml --ckpt_path last",
    ),
    "evaluation": ("{command} my_photos \\\n      --ckpt_path lightning_logs/my_photos/version_0/checkpoints/best.ckpt",),
}
WIDTH, WIDEST = 80, 100
"""Columns of the main options, and of the list of all where no terminal says how wide it is."""


def training_help(program: str, command: str, summary: str, every_option: bool) -> str:
    """The help of a command."""
    head = f"usage: {program} {command} [FOLDER] [--config FILE ...] [options]\n\n{summary}\n\n"
    options = (files("posture_classifier.training") / "options.txt").read_text(encoding="utf-8")
    if every_option:
        return (
            f"{head}Every option is also a key of the YAML file: --data.root photos is\n"
            "data: {root: photos}. Of several files, and then options, the later wins.\n"
            "--print_config prints the result.\n\n"
            f"{_folded(options, shutil.get_terminal_size((WIDEST, 24)).columns).rstrip()}"
        )
    kind = "fit" if command == "fit" else "evaluation"
    listed = "\n".join(_option(name, words, options) for name, words in MAIN_OPTIONS[kind].items())
    examples = "\n".join(f"  {program} {example.format(command=command)}" for example in EXAMPLES[kind])
    return (
        f"{head}A first word that ends in .yaml is a config file, any other the photos' folder.\n"
        "Every option is also a key of the YAML file: --data.root photos is\n"
        "data: {root: photos}.\n\n"
        f"main options:\n{listed}\n\nexamples:\n{examples}\n\n"
        f"All options: {program} {command} --help all"
    )


def _option(name: str, words: str, options: str) -> str:
    """An option with what it does, and its default where it has one."""
    found = re.search(rf"^  --{re.escape(name)}\n((?:      .*\n)+)", options, re.MULTILINE)
    default = re.search(r"default: (\S+)\)$", " ".join(found[1].split())) if found else None
    if default and default[1] != "null":
        words += f" Default: {default[1]}."
    filled = textwrap.fill(words, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False)
    return f"  --{name}\n{filled}"


def _folded(options: str, width: int) -> str:
    """The list of options with descriptions of a narrower width, if the terminal is narrower."""
    indent = " " * 6

    def fill(paragraph: re.Match[str]) -> str:
        text = " ".join(paragraph[0].split())
        return f"{textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)}\n"

    longest = max(map(len, options.splitlines()))
    return options if width >= longest else re.sub(rf"(?:^{indent}.*\n)+", fill, options, flags=re.MULTILINE)
