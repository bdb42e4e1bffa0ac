"""The network of a checkpoint as a module that takes a photo: all formats are written from it."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from posture_classifier.export.preprocessing_graph import GraphPreprocessing
from posture_classifier.inference import Classifier
from posture_classifier.models.head_features import forward_with_features, hand_out_features
from posture_classifier.models.mirror_averaging import mean_of_pairs, with_mirrored

OURS = "posture_classifier."
"""Begins the names of the modules whose hooks choose a network's precision."""


class PhotoGraph(nn.Module):
    """Computes calibrated probabilities from the pixels of one photo of any size.

    Crop, resize, normalisation, network, temperature and softmax are all in it; what is left to
    whoever runs it is to decode a file to upright RGB.

    Args:
        classifier: A finished model; its network is copied, in fp32 and on the CPU.

    Example:
        >>> graph = PhotoGraph(Classifier.load("best.ckpt", device="cpu"))
        >>> graph.output_names, graph(torch.zeros(30, 40, 3, dtype=torch.uint8))[0].shape
        (['probabilities'], torch.Size([2]))
    """

    temperature: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.preprocessing = GraphPreprocessing(classifier.model.preprocessing)
        self.network = _plain_copy(classifier.model.backbone)
        self._averages = classifier.model.averages
        self.familiarity = deepcopy(classifier.familiarity).cpu() if classifier.familiarity is not None else None
        known = classifier.evaluation.temperature if classifier.evaluation else None
        self.register_buffer("temperature", torch.tensor(known or 1.0), persistent=False)
        self.eval()

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in their order."""
        return ["probabilities"] if self.familiarity is None else ["probabilities", "distance"]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Probabilities (C,) and, where the checkpoint knows it, distance (), both float32.

        Args:
            image: (H, W, 3) uint8, upright RGB of any size.
        """
        return self.answer(self.preprocessing(image))

    def answer(self, images: Tensor) -> tuple[Tensor, ...]:
        """What ``forward`` returns, from the normalised image (1, 3, S, S) of the photo."""
        views = with_mirrored(images) if self._averages else images
        if self.familiarity is None:
            return (self._calibrate(self.network(views)),)
        logits, features = forward_with_features(self.network, views)
        return self._calibrate(logits), self.familiarity(features[:1])[0]

    def _calibrate(self, logits: Tensor) -> Tensor:
        """Logits (1, C), or (2, C) with the mirror image's -> probabilities (C,)."""
        if self._averages:
            logits = mean_of_pairs(logits)
        return (logits[0] / self.temperature).softmax(0)


def _plain_copy(network: nn.Module) -> nn.Module:
    """The network in fp32 on the CPU, without the hooks that choose its precision."""
    copy = deepcopy(network).float().cpu().eval()
    for module in copy.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            for key in [key for key, hook in hooks.items() if hook.__module__.startswith(OURS)]:
                del hooks[key]
    for parameter in copy.parameters():
        # Not every format knows weights with the channels innermost.
        parameter.data = parameter.detach().clone(memory_format=torch.contiguous_format)
        parameter.requires_grad_(False)
    hand_out_features(copy)
    return copy


class SquareGraph(nn.Module):
    """Computes what a ``PhotoGraph`` does from a square of the network's own size.

    For formats that take one size only: the photo is cropped and scaled by whoever runs it.

    Args:
        graph: The graph for photos of any size, whose network it shares.

    Example:
        >>> graph = SquareGraph(PhotoGraph(Classifier.load("best.ckpt", device="cpu")))
        >>> graph(torch.zeros(32, 32, 3, dtype=torch.uint8))[0].shape
        torch.Size([2])
    """

    def __init__(self, graph: PhotoGraph) -> None:
        super().__init__()
        self.whole = graph
        self.size = graph.preprocessing.preprocessing.image_size

    def forward(self, square: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the photo whose square (S, S, 3) of uint8 is given."""
        return self.whole.answer(self.whole.preprocessing.preprocessing.normalise(square.permute(2, 0, 1)[None]))
