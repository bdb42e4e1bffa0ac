"""Starts the server of a model, and says where it answers."""

import ipaddress
from pathlib import Path

from posture_classifier.app.running import open_socket, run
from posture_classifier.app.serving.endpoints import inference_app
from posture_classifier.export.artifact import ExportedClassifier, find_artifact
from posture_classifier.export.metadata import Metadata, build_metadata
from posture_classifier.inference import Classifier, PhotoClassifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.precision import Precision
from posture_classifier.runs.checkpoints import find_checkpoint
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Names of this machine for itself: no page elsewhere can give itself one of them."""


def start_server(model: Path, name: str, host: str, port: int, device: str | None, precision: Precision) -> None:
    """Answer at an address until the program is stopped.

    Raises:
        UserError: The model cannot be read, the name cannot stand in an address, or the port
            cannot be opened.
    """
    if not name or not name.isascii() or not name.replace("-", "_").replace(".", "_").isidentifier():
        raise UserError(f"--name {name} cannot stand in an address; use letters, digits, dots and dashes")
    listening = open_socket(host, port)
    address, port = listening.getsockname()[:2]
    classifier, metadata = _load(model, device, precision)
    hosts = LOCAL if ipaddress.ip_address(address).is_loopback else ("*",)
    root = f"http://{f'[{address}]' if ':' in address else address}:{port}/v2"

    def started() -> None:
        say(repr(classifier), whole=True)
        say(f"it answers at {root}; a photo: curl --data-binary @photo.jpg {root}/models/{name}/photo", whole=True)

    run(inference_app(classifier, name, metadata, hosts), listening, started)


def _load(model: Path, device: str | None, precision: Precision) -> tuple[PhotoClassifier, Metadata]:
    if artifact := find_artifact(model):
        exported = ExportedClassifier.load(artifact)
        return exported, exported.metadata
    path = find_checkpoint(model)
    content = read_checkpoint(path)
    classifier = Classifier.from_checkpoint(path, content, device, precision)
    return classifier, build_metadata(classifier, content)
