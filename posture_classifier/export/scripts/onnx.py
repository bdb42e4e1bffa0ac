"""Classify photos: pip install onnxruntime numpy pillow; python predict.py PHOTO [PHOTO ...]."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main(paths: list[str]) -> None:
    """Print a line for each photo: path, label and the probability of every class."""
    session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["posture_classifier"])
    for path in paths:
        with Image.open(path) as opened:
            if opened.format in ("JPEG", "MPO"):  # a large one is decoded at a part of its size
                opened.draft(None, (2 * about["preprocessing"]["image_size"],) * 2)
            photo = ImageOps.exif_transpose(opened)
            if photo.mode.startswith(("I", "F")):
                sys.exit(f"{path} has more than 8 bits a value; save it as 8 bits first")
            if photo.has_transparency_data:
                photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo.convert("RGBA"))
            shares = session.run(["probabilities"], {"image": np.asarray(photo.convert("RGB"))})[0]
        print(path, about["classes"][shares.argmax()], *(f"{share:.6f}" for share in shares), sep="\t")


if __name__ == "__main__":
    main(sys.argv[1:])
