"""What the network of a training costs, as W&B shows it beside the accuracy."""

from posture_classifier.costs.operations import count_costs
from posture_classifier.data.module import PostureData
from posture_classifier.models.classifier import PostureClassifier


def training_costs(model: PostureClassifier, data: PostureData) -> dict[str, float]:
    """Parameters, multiply-adds and peak memory of a network, counted as ``backbones`` counts them.

    Returns:
        ``parameters``; ``multiply_adds`` of a photo; ``inference_bytes`` of a photo and
        ``training_bytes`` of a step with a batch of the training's size, in fp32 with nothing
        frozen. Only the parameters where the rest cannot be counted.
    """
    parameters = {"parameters": float(sum(parameter.numel() for parameter in model.backbone.parameters()))}
    size, classes = model.preprocessing.image_size, len(data.class_names)
    try:
        counted = count_costs(model.hparams["backbone"], size, data.batch_size, classes)
    # Some networks cannot be followed without values; the training does not depend on these.
    except Exception:
        return parameters
    return parameters | {name: float(getattr(counted, name)) for name in ("multiply_adds", "inference_bytes", "training_bytes")}
