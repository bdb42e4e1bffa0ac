"""``serve``: a network for other programs, over HTTP."""

from pathlib import Path
from typing import Literal


def serve(
    model: Path,
    name: str = "classifier",
    host: str = "127.0.0.1",
    port: int = 8000,
    device: str | None = None,
    precision: Literal["auto", "fp32"] = "auto",
) -> int:
    """Answer other programs by the Open Inference Protocol v2, and photos as they are.

    Args:
        model: A .ckpt file of a run, the run's folder, or what export wrote: a model or its folder.
        name: The model's name in the addresses, /v2/models/NAME.
        host: The address to answer at; 0.0.0.0 answers other machines too, whoever asks.
        port: The port; 0 takes a free one.
        device: cpu, cuda or mps; by default a GPU if there is one.
        precision: auto computes in bfloat16 where the hardware has it; fp32 nowhere.

    Returns:
        Exit code 0; it runs until it is stopped, and then answers what was asked.
    """
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.app.serving.start import start_server

    start_server(model, name, host, port, device, precision)
    return 0
