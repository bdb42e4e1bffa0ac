"""What the network of a training costs, as W&B shows it beside the accuracy."""

from posture_classifier.costs.operations import count_costs
from posture_classifier.data.module import PostureData
from posture_classifier.models.classifier import PostureClassifier

COUNTED = ("parameters", "multiply_adds", "inference_bytes", "training_bytes")


def training_costs(model: PostureClassifier, data: PostureData) -> dict[str, float]:
    """Parameters, multiply-adds and peak memory of a network, as ``backbones`` and ``compare`` say.

    Returns:
        ``parameters`` of a forward pass in evaluation; ``multiply_adds`` of a photo;
        ``inference_bytes`` of a photo and ``training_bytes`` of a step with a batch of the
        training's size, in fp32 with nothing frozen. What cannot be counted is left out.
    """
    size, classes = model.preprocessing.image_size, len(data.class_names)
    try:
        counted = count_costs(model.hparams["backbone"], size, data.batch_size, classes)
    # Some networks cannot be followed without values; the training does not depend on these.
    except Exception:
        return {}
    return {name: float(value) for name in COUNTED if (value := getattr(counted, name)) is not None}
