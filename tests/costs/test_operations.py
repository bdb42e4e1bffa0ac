"""Costs against sums done by hand, published numbers, and torch's own account of its memory."""

import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from posture_classifier.costs.operations import ForwardCosts, count_batches, count_costs, forward_costs, training_memory

F32 = 4
"""Bytes."""


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build()


def test_a_convolution_by_hand() -> None:
    """3x3, from 3 to 8 channels on 10x10 pixels: every output takes 27 multiply-adds."""
    network = on_meta(lambda: nn.Conv2d(3, 8, 3, padding=1))
    weight, images, outputs = 8 * 27 + 8, 3 * 100, 8 * 100
    expected = ForwardCosts(weight, outputs * 27, outputs, F32 * (weight + images + outputs))
    assert forward_costs(network, (1, 3, 10, 10)) == expected


def test_a_grouped_convolution_by_hand() -> None:
    _, multiply_adds, activations, _ = forward_costs(on_meta(lambda: nn.Conv2d(8, 8, 3, groups=8, bias=False)), (2, 8, 6, 6))
    assert (multiply_adds, activations) == (2 * 8 * 16 * 9, 2 * 8 * 16)


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 100), nn.ReLU(), nn.Linear(100, 10))


def test_a_perceptron_by_hand() -> None:
    """In evaluation the largest moment is the first layer's output and its rectified copy."""
    counted, multiply_adds, activations, peak = forward_costs(on_meta(two_layers), (1, 3, 4, 4))
    parameters = 48 * 100 + 100 + 100 * 10 + 10
    assert (counted, multiply_adds, activations) == (parameters, 48 * 100 + 100 * 10, 110)
    assert peak == F32 * (parameters + 48 + 100 + 100)


def test_training_a_linear_layer_by_hand() -> None:
    """Weights, gradients and two moments; and for each photo what the assertion names."""
    network, parameters = on_meta(lambda: nn.Sequential(nn.Flatten(), nn.Linear(300, 10))), 3010
    growth = training_memory(network, (33, 3, 10, 10)) - training_memory(network, (32, 3, 10, 10))
    assert growth == F32 * (300 + 10 + 10) + 8, "pixels, log-probabilities, their gradient and a label of 8 bytes"
    assert training_memory(network, (1, 3, 10, 10)) == pytest.approx(F32 * 4 * parameters, rel=0.05)


def test_training_memory_grows_with_the_batch_in_a_straight_line() -> None:
    network = on_meta(lambda: timm.create_model("test_resnet"))
    sizes = [training_memory(network, (batch, 3, 64, 64)) for batch in (8, 16, 24, 32)]
    steps = [after - before for before, after in itertools.pairwise(sizes)]
    assert len(set(steps)) == 1
    assert count_costs("test_resnet", 64, 8).training_bytes_per_photo == steps[0] // 8


def test_frozen_parameters_have_no_gradient_and_no_moments() -> None:
    network = on_meta(two_layers)
    everything = training_memory(network, (1, 3, 4, 4))
    network[1].requires_grad_(False)  # type: ignore[index]
    assert everything - training_memory(network, (1, 3, 4, 4)) > 2 * F32 * 4900


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds", "activations"),
    # Parameters and multiply-adds as torchvision publishes them, activations as timm's table of
    # fvcore counts.
    [
        ("resnet18", 11_689_512, 1.814e9, 2.48e6),
        ("vgg16", 138_357_544, 15.47e9, 13.56e6),
        ("vit_tiny_patch16_224", 5_717_416, 1.26e9, 5.97e6),
    ],
)
def test_published_figures(name: str, parameters: int, multiply_adds: float, activations: float) -> None:
    counted = count_costs(name)
    assert counted.parameters == parameters
    assert counted.multiply_adds == pytest.approx(multiply_adds, rel=0.01)
    assert counted.activations == pytest.approx(activations, rel=0.005)
    assert counted.image_size == 224


@pytest.mark.parametrize(("name", "evaluation", "training_only"), [("googlenet", 6_624_904, 6_379_984), ("test_resnet", None, 0)])
def test_auxiliary_classifiers_are_counted_apart(name: str, evaluation: int | None, training_only: int) -> None:
    """As torchvision publishes GoogLeNet; its training has them all."""
    counted = count_costs(name, 64, 2)
    everything = sum(parameter.numel() for parameter in timm.create_model(name).parameters())
    assert counted.parameters == (evaluation or everything)
    assert counted.training_only_parameters == training_only
    assert counted.parameters + training_only == everything
    assert counted.bytes_on_disk > F32 * everything
    assert counted.training_bytes is not None
    assert counted.training_bytes > 4 * F32 * everything, "weights, gradients and two moments"


def test_a_parameter_counts_once_and_only_where_it_is_read() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.twice, self.viewed = nn.Linear(4, 4, bias=False), nn.Parameter(torch.zeros(1, 8))
            self.never = nn.Linear(4, 4)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            pixels = self.twice(self.twice(images.flatten(1)))
            return pixels + self.viewed.expand(len(images), -1)[:, 4:]  # type: ignore[no-any-return]

    assert forward_costs(on_meta(Shared), (2, 1, 2, 2)).parameters == 16 + 8


@pytest.mark.slow
def test_batches_of_several_sizes_are_counted_as_each_alone() -> None:
    several = count_batches("test_resnet", 64, [1, 4, 8])
    assert several == [count_costs("test_resnet", 64, batch_size) for batch_size in (1, 4, 8)]
    assert several[0].batch_inference_bytes == several[0].inference_bytes
    pixels = F32 * 3 * 64 * 64
    assert several[2].batch_inference_bytes - several[1].batch_inference_bytes > 4 * pixels


@pytest.mark.slow
def test_a_batch_of_one_that_cannot_train_predicts_all_the_same() -> None:
    """Maps of one pixel, of which BatchNorm has one value a channel."""
    one, two = count_batches("lcnet_035", 32, [1, 2])
    assert (one.training_bytes, one.training_bytes_per_photo) == (None, None)
    assert one.batch_inference_bytes < two.batch_inference_bytes
    assert two == count_costs("lcnet_035", 32, 2)
    assert two.training_bytes is not None
    assert two.training_bytes_per_photo is not None
    assert two.training_bytes > two.training_bytes_per_photo > 0


def test_the_disk_holds_parameters_and_buffers(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "w.pth")
    assert 0 <= (tmp_path / "w.pth").stat().st_size - count_costs("test_resnet").bytes_on_disk < 25_000, (
        "names and shapes come on top"
    )


def test_a_deformable_convolution_counts_as_a_convolution() -> None:
    from torchvision.ops import DeformConv2d

    class Deformed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = DeformConv2d(4, 6, 3, padding=1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(images, images.new_zeros(len(images), 18, 8, 8))  # type: ignore[no-any-return]

    assert forward_costs(on_meta(Deformed), (1, 4, 8, 8))[1:3] == (6 * 64 * 36, 6 * 64)


def allocated(step: Callable[[], None]) -> int:
    """Most bytes above those at the start that torch's allocator handed out, by its profiler."""
    step()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    with tempfile.TemporaryDirectory() as folder:
        profiler.export_chrome_trace(f"{folder}/trace.json")
        events = json.loads(Path(folder, "trace.json").read_text())["traceEvents"]
    notes = sorted((e["ts"], e["args"]["Total Allocated"], e["args"]["Bytes"]) for e in events if e["name"] == "[memory]")
    return int(max(total for _, total, _ in notes) - (notes[0][1] - notes[0][2]))


@pytest.mark.parametrize(("name", "size"), [("test_resnet", 160), ("test_efficientnet", 160), ("test_vit", 160)])
def test_memory_is_what_a_real_run_takes(name: str, size: int) -> None:
    """Within 3 % in evaluation and 5 % in a training step: kernels have small workspaces."""
    batch, network = 16, timm.create_model(name).to(memory_format=torch.channels_last)
    images, labels = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last), torch.zeros(batch).long()
    optimizer = torch.optim.AdamW(network.parameters())

    def predict() -> None:
        with torch.inference_mode():
            network(images[:1])

    def train() -> None:
        nn.functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()

    network.eval()
    parameters = sum(parameter.nbytes for parameter in network.parameters())
    held = parameters + sum(buffer.nbytes for buffer in network.buffers())
    counted = count_costs(name, size, batch)
    assert counted.inference_bytes == pytest.approx(allocated(predict) + held + images[:1].nbytes, rel=0.03)
    network.train()
    real = allocated(train) + held + 2 * parameters + images.nbytes + labels.nbytes
    assert counted.training_bytes == pytest.approx(real, rel=0.05)
