"""One photo: a shot's scene rendered with Blender Cycles, developed as a cheap camera would."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .body import C7, SKIN_VERTICES, Body
from .mesh import link
from .person import add_person
from .room import add_surroundings
from .shot import CVA_RANGES, Camera, Light, Shot
from .subject import Subject

Place: TypeAlias = Sequence[float] | NDArray[np.float64]

CVA_SLACK = 1.0  # degrees by which a photo may leave the range of its label
LAMP_DISTANCE = 1.7  # from the neck, horizontally
SUN_DIMMING = 22  # from the power of a lamp in watts to that of the sun, which is per square metre
SUN_ANGLE = 0.1  # its diameter in the sky, in radians: softer shadows than the real one casts

# Cheap settings: two bounces, no caustics, and a denoiser for the noise that few samples leave.
CYCLES = {
    "device": "CPU",
    "use_adaptive_sampling": False,
    "use_denoising": True,
    "denoising_quality": "FAST",
    "denoising_prefilter": "NONE",
    "max_bounces": 2,
    "transparent_max_bounces": 8,
    "caustics_reflective": False,
    "caustics_refractive": False,
    "use_light_tree": False,
}


def render(
    body: Body, subject: Subject, shot: Shot, path: Path, *, size: int, samples: int, rng: np.random.Generator
) -> float | None:
    """Render a shot to a PNG of `size` pixels a side.

    Returns:
        The craniovertebral angle of the posed body, in degrees; None, without a PNG and without
        draws from `rng`, if the body could not be bent into the label's range.
    """
    posed = body.take_posture(subject, shot.posture)
    low, high = CVA_RANGES[shot.label]
    if not low - CVA_SLACK <= posed.cva <= high + CVA_SLACK:
        return None
    neck = 0.55 * posed.vertices[list(body.tragi)].mean(0) + 0.45 * posed.vertices[C7] + [0, 0, -0.06]
    floor = float(posed.vertices[:SKIN_VERTICES, 2].min())
    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_person(body, subject, posed, np.random.default_rng(subject.room_seed + 1))
    add_surroundings(subject, shot, neck + shot.camera.offset, floor)
    _add_lamp(shot.light, neck, subject.outdoor)
    _add_camera(shot.camera, neck, roll=rng.normal(0, 2))
    _configure(size, samples, exposure=rng.normal(0.5, 0.3), seed=int(rng.integers(1 << 30)))
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return posed.cva


def develop(path: Path, rng: np.random.Generator) -> Image.Image:
    """Give a rendering the flaws of a cheap camera: blur, white balance, vignette and noise."""
    blurred = Image.open(path).convert("RGB").filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
    pixels = np.asarray(blurred, np.float32) / 255
    height, width, _ = pixels.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    white_balance = np.exp(rng.normal(0, 0.05, 3))
    vignette = 1 - rng.uniform(0, 0.18) * (x**2 + y**2)
    color_noise = rng.normal(0, rng.uniform(0.003, 0.016), pixels.shape)
    grey_noise = rng.normal(0, 0.004, (height, width))
    pixels = pixels * white_balance * vignette[..., None] + color_noise + grey_noise[..., None]
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def _add_lamp(light: Light, neck: NDArray[np.float64], outdoor: bool) -> None:
    """Add the sun, or a square lamp that shines at the neck (3,)."""
    lamp = bpy.data.lights.new("lamp", "SUN" if outdoor else "AREA")
    lamp.color = np.clip([1 + light.warmth, 1, 1 - light.warmth], 0.4, 1.4)
    cos, sin = math.cos(light.azimuth), math.sin(light.azimuth)
    if outdoor:
        lamp.energy, lamp.angle = light.power / SUN_DIMMING, SUN_ANGLE
        _aim(link("lamp", lamp), (3 * cos, 3 * sin, 1 + 2 * light.height), (0, 0, 0))
    else:
        offset = np.array([LAMP_DISTANCE * cos, LAMP_DISTANCE * sin, light.height])
        lamp.energy, lamp.size = light.power, light.size
        _aim(link("lamp", lamp), neck + offset, neck)


def _add_camera(camera: Camera, neck: NDArray[np.float64], roll: float) -> None:
    """Add the camera, looking at the neck (3,), turned about its axis by `roll` degrees."""
    lens = bpy.data.cameras.new("camera")
    lens.angle = 2 * math.atan(camera.width / 2 / camera.distance)
    lens.shift_x, lens.shift_y = camera.shift
    lens.dof.use_dof, lens.dof.focus_distance, lens.dof.aperture_fstop = True, camera.distance, camera.f_stop
    holder = _aim(link("camera", lens), neck + camera.offset, neck)
    holder.rotation_euler.rotate_axis("Z", math.radians(roll))
    bpy.context.scene.camera = holder


def _aim(new: bpy.types.Object, place: Place, target: Place) -> bpy.types.Object:
    """Put a lamp or camera at a place (3,), to look at a target (3,)."""
    new.location = place
    new.rotation_euler = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    return new


def _configure(size: int, samples: int, exposure: float, seed: int) -> None:
    """Set Cycles up; `exposure` is in stops."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1  # further cores are for further processes
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.look, scene.view_settings.exposure = "AgX - Medium High Contrast", exposure
    for name, value in (CYCLES | {"samples": samples, "seed": seed}).items():
        setattr(scene.cycles, name, value)
    scene.cycles_curves.shape = "RIBBONS"
