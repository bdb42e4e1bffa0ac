"""The network of a checkpoint as a module that takes a photo: all formats are written from it."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.inference import Classifier


class PhotoGraph(nn.Module):
    """Computes calibrated probabilities from the pixels of one photo of any size.

    Crop, resize, normalisation, network, temperature and softmax are all in it; what is left to
    whoever runs it is to decode a file to upright RGB.

    Args:
        classifier: A finished model; its network is copied, in fp32 and on the CPU.

    Example:
        >>> graph = PhotoGraph(Classifier.load("best.ckpt", device="cpu"))
        >>> graph(torch.zeros(30, 40, 3, dtype=torch.uint8))[0].shape
        torch.Size([2])
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.preprocessing = _Preprocess(classifier.model.preprocessing)
        self.network = _plain_copy(classifier.model.backbone)
        evaluation = classifier.evaluation
        self.temperature = evaluation.temperature if evaluation is not None and evaluation.temperature else 1.0
        self.eval()

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in their order."""
        return ["probabilities"]

    def logits(self, image: Tensor) -> Tensor:
        """Logits (C,) of an image (H, W, 3) of uint8, before they are calibrated."""
        logits: Tensor = self.network(self.preprocessing(image))[0]
        return logits

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Probabilities (C,) float32 and, where the checkpoint knows it, distance () float32.

        Args:
            image: (H, W, 3) uint8, upright RGB of any size.
        """
        return ((self.logits(image) / self.temperature).softmax(0),)


class _Preprocess(nn.Module):
    """Crops an image (H, W, 3) of uint8 to its middle square and scales it to (1, 3, S, S)."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.size = preprocessing.image_size
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised pixels (1, 3, S, S) float32."""
        height, width = image.shape[0], image.shape[1]
        side = torch.sym_min(height, width)
        rows, columns = self._weights(height, side), self._weights(width, side)
        pixels = (image.permute(2, 0, 1).float() @ columns.T).round().clamp(0, 255)
        return ((rows @ pixels).round().clamp(0, 255) / 255 - self.mean)[None] / self.std

    def _weights(self, length: int, side: Any) -> Tensor:
        """(S, length) weights of Pillow's bicubic filter on the middle ``side`` pixels."""
        scale = side / self.size
        support: Any = torch.sym_max(scale, 1.0)
        pixel = torch.arange(length, dtype=torch.float32) - (length - side) // 2
        centre = (torch.arange(self.size, dtype=torch.float32) + 0.5) * scale
        x = torch.abs((pixel + 0.5 - centre[:, None]) / support)
        near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
        weights = torch.where(x < 1, near, torch.where(x < 2, far, 0.0)) * ((pixel >= 0) & (pixel < side))
        result: Tensor = weights / weights.sum(1, keepdim=True)
        return result


def _plain_copy(network: nn.Module) -> nn.Module:
    """The network in fp32 on the CPU, without the hooks that choose its precision."""
    copy = deepcopy(network).float().cpu().eval()
    for module in copy.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    for parameter in copy.parameters():
        parameter.requires_grad_(False)
    return copy
