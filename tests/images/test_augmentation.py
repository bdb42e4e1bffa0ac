"""Random, but never by accident the same, and never by accident different."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.data.folder import read_folder
from posture_classifier.data.loaders import EpochSampler
from posture_classifier.images.augmentation import DEFAULT_TRANSFORMS, Augmentation, Transforms
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder

PREPROCESSING = Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
ALWAYS: Transforms = [{"class_path": "albumentations.Affine", "init_args": {"rotate": [-5, 5], "scale": [0.8, 1.2], "p": 1.0}}]
IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_a_photo_is_a_function_of_seed_epoch_and_index() -> None:
    pictures = [Augmentation(ALWAYS, seed)(IMAGE, epoch, index) for seed in (0, 1) for epoch in (0, 1) for index in range(8)]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    again = Augmentation(ALWAYS, 1)
    again(IMAGE, 5, 5)
    assert np.array_equal(again(IMAGE, 1, 7), pictures[-1]), "whatever was drawn before"


def test_transforms_draw_independently_of_each_other() -> None:
    """Out of the box one seed goes to every transform, and all of them apply, or none."""
    flips: Transforms = [
        {"class_path": f"albumentations.{name}", "init_args": {"p": 0.5}} for name in ("HorizontalFlip", "InvertImg")
    ]
    augmentation = Augmentation(flips, seed=0)
    found = [augmentation(IMAGE, 0, index).tobytes() for index in range(200)]
    expected = [IMAGE, IMAGE[:, ::-1], 255 - IMAGE, 255 - IMAGE[:, ::-1]]
    counts = [found.count(np.ascontiguousarray(picture).tobytes()) for picture in expected]
    assert sum(counts) == 200
    assert min(counts) > 30, "each of the four combinations about 50 times"


def test_workers_do_not_change_what_is_drawn(draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder())
    epochs = []
    for workers in (0, 2):
        dataset = PhotoDataset(photos, PREPROCESSING, Augmentation(ALWAYS, seed=0))
        sampler = EpochSampler(dataset, num_replicas=1, rank=0, seed=0)
        loader = DataLoader(dataset, batch_size=4, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)
        for epoch in (0, 1):
            sampler.view = epoch
            epochs.append(
                {int(i): image.numpy().tobytes() for batch in loader for i, image in zip(batch.indices, batch.images, strict=True)}
            )
    assert epochs[0] == epochs[2]
    assert epochs[1] == epochs[3]
    assert all(epochs[0][i] != epochs[1][i] for i in epochs[0])


def test_a_dataset_can_be_sent_to_a_worker_that_was_not_forked(draw_folder: DrawFolder) -> None:
    """As on Windows and macOS."""
    dataset = PhotoDataset(read_folder(draw_folder()), PREPROCESSING, Augmentation(ALWAYS, seed=0))
    sent = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(sent[1, 2].images, dataset[1, 2].images)


def test_the_default_suits_posture() -> None:
    """Mirrors, but does not turn upside down; straight lines stay within 10 degrees."""
    names = [transform["class_path"] for transform in DEFAULT_TRANSFORMS]
    assert "albumentations.HorizontalFlip" in names
    assert "albumentations.VerticalFlip" not in names
    angles = [abs(a) for transform in DEFAULT_TRANSFORMS for a in transform["init_args"].get("rotate", [])]
    assert max(angles) <= 10


def test_transforms_may_be_nested() -> None:
    one_of = {"class_path": "albumentations.OneOf", "init_args": {"transforms": [{"class_path": "HorizontalFlip"}], "p": 1.0}}
    flipped = Augmentation([one_of], 0)
    assert any(np.array_equal(flipped(IMAGE, 0, i), IMAGE[:, ::-1]) for i in range(20))


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        ([{"class_path": "albumentations.HorizontalFlop"}], "HorizontalFlop"),
        ([{"class_path": "nowhere.Flip"}], "nowhere.Flip"),
        ([{"class_path": "albumentations.HorizontalFlip", "init_args": {"probability": 1}}], "HorizontalFlip.*probability"),
        ([{"class_path": "albumentations.HorizontalFlip", "init_args": {"p": 3}}], "HorizontalFlip"),
    ],
)
def test_wrong_transforms_are_refused(transforms: Transforms, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Augmentation(transforms, 0)


@pytest.mark.parametrize("name", ["albumentations.Normalize", "albumentations.pytorch.ToTensorV2"])
def test_transforms_that_normalise_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"data\.augmentation .*Normalize"):
        Augmentation([{"class_path": name}], 0).check(32)


def crop(size: int) -> Augmentation:
    return Augmentation([{"class_path": "albumentations.RandomResizedCrop", "init_args": {"size": [size, size]}}], 0)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_crop_of_the_networks_size_is_fine(size: int) -> None:
    crop(size).check(size)


@pytest.mark.parametrize("transform", ["crop", "RandomScale"])
def test_what_changes_the_size_is_refused_for_that_reason(transform: str) -> None:
    """A crop of 64 pixels was trained at 64 and evaluated at 128."""
    augmentation = crop(64) if transform == "crop" else Augmentation([{"class_path": "albumentations.RandomScale"}], 0)
    with pytest.raises(UserError, match=r"data\.augmentation .*128 x 128.*model\.image_size"):
        augmentation.check(128)


def test_a_dataset_tries_its_augmentation_at_its_own_size(draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder())
    PhotoDataset(photos, PREPROCESSING, crop(32))
    with pytest.raises(UserError, match="32 x 32"):
        PhotoDataset(photos, PREPROCESSING, crop(64))


@pytest.mark.parametrize(
    "transform", ["flip", {"name": "flip"}, {"class_path": 3}, {"class_path": "albumentations.HorizontalFlip", "p": 1}]
)
def test_descriptions_of_another_form_are_refused(transform: Any) -> None:
    with pytest.raises(UserError, match=r"data\.augmentation"):
        Augmentation([transform], 0)
