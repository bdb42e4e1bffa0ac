"""``demo``: train on the bundled photos, and say how good the result is."""

from pathlib import Path

from posture_classifier.utils.shipped import shipped


def demo(output: Path = Path()) -> int:
    """Train on the 720 bundled photos of 72 virtual people, offline, in about a minute.

    Args:
        output: The folder that lightning_logs/demo is made in.

    Returns:
        Exit code 0.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.training.fit import PostureCLI

    folders = ["--data.root", str(shipped("data/turtle_neck")), "--trainer.default_root_dir", str(output)]
    PostureCLI(["fit", "--config", str(shipped("configs/demo.yaml")), *folders])
    return 0
