"""The shots: what changes at random from photo to photo. Angles: degrees, lengths: metres."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .subject import Subject

# Craniovertebral angles of each class, in degrees. The clinical cut-off is about 50: both classes
# keep clear of it.
CVA_RANGES = {"normal": (54.0, 64.0), "turtle_neck": (30.0, 44.0)}
LABELS = tuple(CVA_RANGES)


@dataclass(frozen=True)
class Posture:
    """A posture; positive angles bend forward unless said otherwise.

    Attributes:
        cva: Craniovertebral angle to reach.
        lean: Of the trunk at the hips.
        kyphosis: Bend of the upper back.
        gaze: Down from the horizon.
        turn: Of the head about the vertical.
        tilt: Of the head to a shoulder.
        protraction: Of the shoulders.
        arm: Of each upper arm ("L", "R") against the vertical, negative to the front.
        elbow: Bend of each elbow ("L", "R"), negative to the front.
    """

    cva: float
    lean: float
    kyphosis: float
    gaze: float
    turn: float
    tilt: float
    protraction: float
    arm: dict[str, float]
    elbow: dict[str, float]


@dataclass(frozen=True)
class Desk:
    """A desk: the height of its top above the pelvis; whether it holds a laptop or a monitor."""

    height: float
    laptop: bool


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the subject's neck.

    Attributes:
        yaw: 0 for a true profile, 90 for a frontal view.
        offset: From the neck to the camera, (3,).
        distance: Length of that offset.
        width: What the frame takes in at that distance.
        shift: Of the frame, as a share of its width, (2,).
        f_stop: Aperture, for the depth of field.
    """

    yaw: float
    offset: NDArray[np.float64]
    distance: float
    width: float
    shift: NDArray[np.float64]
    f_stop: float


@dataclass(frozen=True)
class Light:
    """Ambient light and one lamp (the sun outdoors).

    Attributes:
        ambient: Factor on the light of the surroundings.
        azimuth: Direction of the lamp, in radians.
        height: Of the lamp above the neck.
        power: Of the lamp, in watts.
        warmth: 0 for white, positive for red, negative for blue.
        size: Edge of the lamp.
    """

    ambient: float
    azimuth: float
    height: float
    power: float
    warmth: float
    size: float


@dataclass(frozen=True)
class Shot:
    """All that makes one photo of a label; `desk` is None where there is none."""

    label: str
    posture: Posture
    desk: Desk | None
    camera: Camera
    light: Light


def draw_shot(rng: np.random.Generator, subject: Subject, label: str) -> Shot:
    """Draw a shot for a label of `CVA_RANGES`; seeds repeat only in this order of draws."""
    side = rng.choice([-1, 1])
    yaw, pitch = float(np.clip(rng.normal(0, 11), -25, 30)), rng.uniform(-6, 14)
    distance = rng.uniform(1.9, 3.2)
    arm, elbow = rng.uniform(-35, 8), rng.uniform(-35, 20)
    at_desk = subject.seated and rng.random() < 0.7
    if at_desk:
        arm, elbow = rng.uniform(-35, -18), rng.uniform(-35, -10)
    posture = _draw_posture(rng, label, arm, elbow)
    desk = Desk(height=rng.uniform(0.13, 0.2), laptop=rng.random() < 0.4)
    width, shift = rng.uniform(0.48, 0.72), rng.uniform(-0.07, 0.07, 2)
    ambient = rng.uniform(0.5, 1.3)
    f_stop = rng.choice([2.0, 4.0, 8.0, 16.0])
    light = Light(
        ambient=ambient,
        azimuth=rng.uniform(-math.pi, math.pi),
        height=rng.uniform(0.3, 2.0),
        power=rng.uniform(25, 130),
        warmth=rng.normal(0, 0.12),
        size=rng.uniform(0.2, 1.8),
    )
    offset = _direction(side, math.radians(yaw), math.radians(pitch)) * distance
    camera = Camera(yaw, offset, distance, width, shift, f_stop)
    return Shot(label, posture, desk if at_desk else None, camera, light)


def _draw_posture(rng: np.random.Generator, label: str, arm: float, elbow: float) -> Posture:
    """Draw a posture.

    Beside the CVA, only the trunk and the shoulders depend on the label, and overlap widely:
    neither gives it away.
    """
    turtle_neck = label == "turtle_neck"
    return Posture(
        cva=rng.uniform(*CVA_RANGES[label]),
        lean=rng.normal(3 if turtle_neck else 1, 5),
        kyphosis=float(np.clip(rng.normal(9 if turtle_neck else 4, 6), -6, 22)),
        gaze=rng.normal(3, 6),
        turn=rng.normal(0, 5),
        tilt=rng.normal(0, 3),
        protraction=rng.normal(4 if turtle_neck else 0, 5),
        arm={side: arm + rng.normal(0, 5) for side in "LR"},
        elbow={side: elbow + rng.normal(0, 6) for side in "LR"},
    )


def _direction(side: int, yaw: float, pitch: float) -> NDArray[np.float64]:
    """Unit vector to a camera on a side (-1 right, 1 left); yaw and pitch in radians."""
    across, ahead = math.cos(yaw) * math.cos(pitch), -math.sin(yaw) * math.cos(pitch)
    return np.array([side * across, ahead, math.sin(pitch)])
