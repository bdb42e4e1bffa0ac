"""``PostureClassifier``: a pretrained backbone with a new head, its loss, metrics and optimizer."""

from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer

from posture_classifier import __version__
from posture_classifier.images.preprocessing import Preprocessing, Resize
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import score
from posture_classifier.models.all_stages_head import Head
from posture_classifier.models.arguments import check_ranges, default_preprocessing, loss_weights
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.models.checkpoint import MARK
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.models.head_features import forward_with_features, hand_out_features
from posture_classifier.models.linear_head import HeadSolver, check_linear
from posture_classifier.models.mirror_averaging import mean_of_pairs, with_mirrored
from posture_classifier.models.precision import Mixed, Precision, autocast, exclude_from_autocast
from posture_classifier.models.stages import Granularity, Stage, classifiers
from posture_classifier.models.stages import stages as divide
from posture_classifier.models.weights import RANDOM, create_backbone
from posture_classifier.utils.errors import UserError

AUXILIARY_WEIGHT = 0.3
"""Weight of each auxiliary classifier's loss (Szegedy et al. 2014, section 5)."""


class PostureClassifier(LightningModule):
    """An image classifier that is fine-tuned stage by stage.

    The optimizer owns every parameter from the start, in groups by stage. Callbacks decide which of
    them learn, by ``requires_grad``; without a callback that freezes, all of them do.

    Args:
        class_names: Names of the classes in the order of the labels; the command line takes them
            from the data.
        class_counts: Number of training photos per class, for ``class_weights: balanced``.
        backbone: Any model name of timm.
        pretrained: Start from pretrained weights (ImageNet, for most names).
        weights: A local ``.pth``, ``.safetensors`` or ``.ckpt`` to start from instead.
        head: What the new head sees. ``last_stage``: the average of the last stage's map, as the
            network was trained. ``all_stages``: a coarse grid (3 x 3) of every stage's map beside
            that, which is better while the network stays frozen, above all where it must tell
            *where* something is, and as fast; but the features of a transformer can no longer be
            cached once stages open.
        head_solver: How the new head learns while it alone is open. ``gradient``: by steps, like
            everything else. ``lbfgs``: at once, as the logistic regression that is best on the
            training photos' features, with the penalty that the validation photos choose (without
            any, groups of training photos in turn). A network of which no other stage opens is
            trained for one epoch then; stages that open go on from the solved head.
        image_size: Side of the images in pixels; None is the size that the backbone was trained
            with.
        resize: How a photo becomes square: ``crop`` cuts out the middle, ``pad`` adds borders.
        optimizer: ``adamw``, or ``sgd`` with Nesterov momentum 0.9.
        learning_rate: Peak learning rate of the head.
        layer_decay: Ratio of a stage's peak learning rate to that of the stage after it, at most 1,
            so that early stages change least.
        weight_decay: Weight decay of all parameters except norms and biases.
        label_smoothing: Share of the target spread over all classes (Szegedy et al. 2015, section
            7).
        class_weights: ``balanced`` weighs classes by the inverse of their counts; a list gives
            weights; None is equal.
        drop_rate: Dropout before the classifier.
        stages: ``coarse``, about six that mean the same in all networks; ``fine``, timm's 5 to 46.
        average_mirrored: Whether logits are the mean over a photo and its mirror image wherever
            the network is evaluated or used, in twice the time. A head on cached features then
            learns from both. It helped frozen networks on one of three sets, and no others.
        preprocessing: The preprocessing of a checkpoint; leave it out, it follows from the
            backbone.
        weights_source: The weights that a checkpoint's training started from, in words; leave it
            out. If given, no weights are fetched, since those of the checkpoint will be loaded.
        white_levels: The values that are white in photos of more than 8 bits, of whole and of
            floating-point numbers (``WhiteLevels``); the command line takes them from the data.

    Example:
        >>> model = PostureClassifier(
        ...     ["left", "right"], backbone="test_resnet", pretrained=False, image_size=32
        ... )
        >>> model(torch.rand(4, 3, 32, 32)).shape
        torch.Size([4, 2])
        >>> [stage.name for stage in model.stages]
        ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'head']
    """

    cut: Cut | None = None
    """The network divided after its frozen prefix; None computes it as a whole."""
    precision: Precision | Mixed = "fp32"
    """Precision of the forward pass on the present machine."""

    def __init__(
        self,
        class_names: list[str],
        class_counts: list[int] | None = None,
        backbone: str = "resnet18",
        pretrained: bool = True,
        weights: str | None = None,
        head: Head = "last_stage",
        head_solver: HeadSolver = "gradient",
        image_size: int | None = None,
        resize: Resize = "crop",
        optimizer: Literal["adamw", "sgd"] = "adamw",
        learning_rate: float = 1e-3,
        layer_decay: float = 0.8,
        weight_decay: float = 0.01,
        label_smoothing: float = 0.0,
        class_weights: Literal["balanced"] | list[float] | None = None,
        drop_rate: float = 0.0,
        stages: Granularity = "coarse",
        average_mirrored: bool = False,
        # No Any: a value that is any would be imported and called, if it has a class_path.
        preprocessing: dict[str, int | float | str | list[float] | None] | None = None,
        weights_source: str | None = None,
        white_levels: list[float] | None = None,
    ) -> None:
        super().__init__()
        check_ranges(image_size, learning_rate, layer_decay, weight_decay, label_smoothing, drop_rate)
        n_classes = len(class_names)
        fetch = weights_source is None
        self.backbone, source = create_backbone(
            backbone, n_classes, pretrained and fetch, weights if fetch else None, image_size, drop_rate, head
        )
        weights_source = weights_source or source
        exclude_from_autocast(classifiers(self.backbone))
        hand_out_features(self.backbone)
        # Convolutions run up to twice as fast with the channels innermost, on CPUs and GPUs alike.
        self.backbone.to(memory_format=torch.channels_last)
        if preprocessing is None:
            preprocessing = default_preprocessing(self.backbone, image_size, resize, white_levels).to_dict()
        self.preprocessing = Preprocessing.from_dict(preprocessing)
        if head_solver == "lbfgs" and fetch:
            check_linear(self.backbone, backbone, self.preprocessing.image_size)
        # The run's config.yaml holds them already, and the preprocessing the white levels.
        self.save_hyperparameters(logger=False, ignore=["white_levels"])
        self.register_buffer("loss_weights", loss_weights(class_weights, class_counts, class_names), persistent=False)
        self._evaluated: list[tuple[Tensor, Tensor, Tensor]] = []  # indices, labels, probabilities

    @cached_property
    def stages(self) -> list[Stage]:
        """The backbone's stages from input to output, head last."""
        return divide(self.backbone, self.hparams["stages"])

    @property
    def starts_pretrained(self) -> bool:
        """Whether the backbone started from pretrained weights, not from random ones."""
        return bool(self.hparams["weights_source"] != RANDOM)

    @property
    def solves_head(self) -> bool:
        """Whether the head is solved at once, rather than learnt by steps."""
        return bool(self.hparams["head_solver"] == "lbfgs")

    @property
    def averages(self) -> bool:
        """Whether logits are now the mean over images and their mirror images."""
        return bool(self.hparams["average_mirrored"] and not self.training)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, C) of normalised images (B, 3, H, W).

        In training, ``(logits, *auxiliary)`` if the backbone has auxiliary classifiers.
        """
        logits: Tensor = self._merged(self._network(self._views(images)))
        return logits

    def logits_and_features(self, images: Tensor, cut: Cut | None = None) -> tuple[Tensor, Tensor]:
        """Logits (B, C) of normalised images (B, 3, H, W), and the features (B, D) of the head.

        In evaluation mode. The features are what the classifier sees, with an all-stages head
        those of all stages; they are of the images themselves also where the logits are a mean.

        Args:
            images: The images, or cached outputs of the prefix: (2 * B, ...) for such a mean.
            cut: The network divided after that prefix.
        """
        if cut is None:
            logits, features = forward_with_features(self._network, self._views(images))
        else:
            logits, features = forward_with_features(partial(self._suffix, cut), images)
        return self._merged(logits), features[::2] if self.averages else features

    def features(self, images: Tensor, cut: Cut | None = None) -> Tensor:
        """The features alone, from which no mean is taken: cached outputs are (B, ...)."""
        return forward_with_features(self._network if cut is None else partial(self._suffix, cut), images)[1]

    def _outputs(self, batch: Batch | CachedBatch) -> Any:
        """Output of the network; a cached batch only needs the suffix."""
        if isinstance(batch, CachedBatch):
            assert self.cut is not None  # cached features are outputs of this cut's prefix
            return self._merged(self._suffix(self.cut, batch.features))
        if self.cut is None:
            return self(batch.images)
        return self._merged(self._suffix(self.cut, self.cut.prefix(self._views(batch.images))))

    def _views(self, images: Tensor) -> Tensor:
        return with_mirrored(images) if self.averages else images

    def _merged(self, outputs: Any) -> Any:
        return mean_of_pairs(outputs) if self.averages else outputs

    def _network(self, images: Tensor) -> Any:
        # trainer.precision may have converted the weights, after which pixels are still normalised
        # in float32.
        dtype = next(self.backbone.parameters()).dtype
        with autocast(self.backbone, self.precision, learns=self.training):
            return self.backbone(images.to(dtype).contiguous(memory_format=torch.channels_last))

    def _suffix(self, cut: Cut, features: Tensor) -> Any:
        with autocast(self.backbone, self.precision, learns=self.training):
            return cut.suffix(features)

    def training_step(self, batch: Batch | CachedBatch, batch_idx: int) -> Tensor:
        """Cross-entropy, plus that of auxiliary classifiers if the forward pass returns them.

        ``train/accuracy`` is that of the photos as they are trained on: augmented, and in the
        epoch's course.
        """
        outputs = self._outputs(batch)
        logits, *auxiliary = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        loss = self._loss(logits, batch.labels) + AUXILIARY_WEIGHT * sum(self._loss(a, batch.labels) for a in auxiliary)
        right = (logits.detach().argmax(1) == batch.labels).float().mean()
        values = {"train/loss": loss, "train/accuracy": right}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(batch.labels), sync_dist=True)
        return loss

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        weight = self.loss_weights if isinstance(self.loss_weights, Tensor) else None
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return functional.cross_entropy(logits, labels, weight, label_smoothing=self.hparams["label_smoothing"])

    def validation_step(self, batch: Batch | CachedBatch, batch_idx: int) -> None:
        """Collect the predictions, which are scored together at the end."""
        probabilities = self._outputs(batch).float().softmax(1)
        self._evaluated.append((batch.indices, batch.labels, probabilities))

    def on_validation_epoch_start(self) -> None:
        """Discard the predictions of the last evaluation."""
        self._evaluated.clear()

    test_step, on_test_epoch_start = validation_step, on_validation_epoch_start

    def on_validation_epoch_end(self) -> None:
        """Log ``val/loss``, ``val/accuracy`` and ``val/f1``, over every photo once."""
        predictions = self.predictions()
        # Without label smoothing and class weights: the best epoch is chosen by a loss that means
        # the same in every run.
        self.log("val/loss", score(predictions, "log_loss"), prog_bar=True, sync_dist=True)
        self.log("val/accuracy", score(predictions, "accuracy"), prog_bar=True, sync_dist=True)
        self.log("val/f1", score(predictions, "macro_f1"), sync_dist=True)

    def predictions(self) -> Predictions:
        """All predictions since evaluation began, gathered from all ranks; a collective call.

        The sampler repeats photos so that all ranks have equally many batches: repeats are dropped
        by their index.

        Raises:
            UserError: Some are no numbers.
        """
        own = [torch.cat(column) for column in zip(*self._evaluated, strict=True)]
        # Some strategies put a dimension for the ranks in front, others leave a single rank's
        # tensors as they are.
        gathered = [torch.as_tensor(self.all_gather(column)).reshape(-1, *column.shape[1:]) for column in own]
        predictions = Predictions.unique(*(column.cpu().numpy() for column in gathered))
        if not np.isfinite(predictions.probabilities).all():
            reason = f"training diverged in epoch {self.current_epoch}; lower model.learning_rate"
            if self.trainer.state.fn != "fit":
                reason = "its training diverged, or its checkpoint was changed; take another checkpoint"
            raise UserError(f"the network's probabilities are not finite: {reason}")
        return predictions

    def configure_optimizers(self) -> Optimizer:
        """One parameter group per stage and kind of parameter.

        A group has the keys ``stage`` (0 is the head) and ``peak_lr``.
        """
        parameters = dict(self.backbone.named_parameters())
        undecayed = set(getattr(self.backbone, "no_weight_decay", set)())
        groups = []
        for stage, (_, names) in enumerate(reversed(self.stages)):
            rate = self.hparams["learning_rate"] * self.hparams["layer_decay"] ** stage
            for decays in (True, False):
                # Norms and biases are vectors: shrinking them does not simplify the function.
                chosen = [parameters[n] for n in names if (parameters[n].ndim > 1 and n not in undecayed) == decays]
                decay = self.hparams["weight_decay"] if decays else 0.0
                if chosen:
                    groups.append({"params": chosen, "lr": rate, "peak_lr": rate, "stage": stage, "weight_decay": decay})
        if self.hparams["optimizer"] == "sgd":
            return SGD(groups, momentum=0.9, nesterov=True)
        return AdamW(groups)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write this program's version into the checkpoint, which marks it as ours."""
        checkpoint[MARK] = __version__
