"""The code that decides which activations are cached, so that a change of it computes them anew."""

MODULES = (
    "models/all_stages_head",
    "models/backbones/*",
    "models/frozen_prefix",
    "models/module_trace",
    "models/precision",
    "cache/tensor_store",
    "data/dataset",
    "images/augmentation",
    "images/decode",
    "images/depth",
    "images/preprocessing",
    "images/square",
    "images/strips",
)
"""Modules whose code decides which values are cached; a change of it makes cached files invalid."""
PACKAGES = ("albumentations", "numpy", "opencv-python-headless", "pillow", "pillow-heif", "timm", "torch", "torchvision")
"""Packages whose versions decide which values are cached."""
