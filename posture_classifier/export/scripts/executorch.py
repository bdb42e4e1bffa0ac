"""Classify photos: pip install executorch numpy pillow; python predict.py PHOTO [PHOTO ...]."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.runtime import Runtime
from PIL import Image, ImageOps


def main(paths: list[str]) -> None:
    """Print a line for each photo: path, label and the probability of every class."""
    program = Runtime.get().load_program(Path(__file__).with_name("model.pte"))
    network, metadata = program.load_method("forward"), program.load_method("posture_classifier")
    about = json.loads(bytes(metadata.execute([])[0].tolist()))
    for path in paths:
        with Image.open(path) as opened:
            if opened.format in ("JPEG", "MPO"):  # a large one is decoded at a part of its size
                opened.draft(None, (2 * about["preprocessing"]["image_size"],) * 2)
            photo = ImageOps.exif_transpose(opened)
            if photo.mode.startswith(("I", "F")):
                sys.exit(f"{path} has more than 8 bits a value; save it as 8 bits first")
            if photo.has_transparency_data:
                photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo.convert("RGBA"))
            pixels = np.array(square(photo.convert("RGB"), about["preprocessing"]))
            shares = network.execute([torch.from_numpy(pixels)])[0]
        print(path, about["classes"][shares.argmax()], *(f"{share:.6f}" for share in shares), sep="\t")


def square(photo: Image.Image, how: dict[str, Any]) -> Image.Image:
    """Crop or pad a photo, and scale it, as in training."""
    size, filter_ = how["image_size"], Image.Resampling[how["interpolation"].upper()]
    grey = tuple(round(255 * channel) for channel in how["mean"])
    if how["version"] == 1:
        fit = (photo, (size, size), filter_)
        return ImageOps.pad(*fit, color=grey) if how["resize"] == "pad" else ImageOps.fit(*fit)
    (width, height), longer, side = photo.size, max(photo.size), min(photo.size)
    if how["resize"] == "crop":
        left, top = (width - side) // 2, (height - side) // 2
        photo, width, height = photo.crop((left, top, left + side, top + side)), size, size
    else:
        width, height = (max(1, (2 * length * size + longer) // (2 * longer)) for length in photo.size)
    photo = photo.resize((width, photo.height), filter_).resize((width, height), filter_)  # in this order
    padded = Image.new("RGB", (size, size), grey)
    padded.paste(photo, ((size - width) // 2, (size - height) // 2))
    return padded


if __name__ == "__main__":
    main(sys.argv[1:])
