"""The network of a checkpoint as a module that takes a photo: all formats are written from it."""

from copy import deepcopy

from torch import Tensor, nn

from posture_classifier.export.preprocessing_graph import GraphPreprocessing
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
        self.preprocessing = GraphPreprocessing(classifier.model.preprocessing)
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


def _plain_copy(network: nn.Module) -> nn.Module:
    """The network in fp32 on the CPU, without the hooks that choose its precision."""
    copy = deepcopy(network).float().cpu().eval()
    for module in copy.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    for parameter in copy.parameters():
        parameter.requires_grad_(False)
    return copy
