"""The body: an Anny mesh, its masks and pose, and the search for a craniovertebral angle (CVA).

Lengths are metres. x points to the body's left, y to its back, z up; the origin lies in the pelvis.
Masks are drawn on the *template*, an average adult in rest pose: all bodies share its vertex order,
so they fit every body.
"""

import math
from pathlib import Path
from typing import NamedTuple

import anny
import numpy as np
import torch
from numpy.typing import NDArray

from .shot import Posture
from .subject import Subject

SKIN_VERTICES = 13380  # the skin comes first in the base mesh, the helper meshes (eyes, lashes, clothes) after it
C7 = 1496  # skin vertex over the spinous process of the seventh cervical vertebra
TRAGUS_YZ = (-0.137, 0.722)  # where the tragus lies on the template
MIRROR = np.array([-1, 1, 1])  # from the left of the body to its right

AVERAGE_ADULT = {"age": 0.67, "african": 0.33, "asian": 0.33, "caucasian": 0.34}  # everything else: 0.5
LOCAL_CHANGES = ("nose", "chin", "head", "forehead", "mouth", "neck", "measure")
ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")

# The hairline's height (second row) over y (first row), from the forehead to the nape.
HAIRLINE_Y = [-0.215, -0.2, -0.175, -0.155, -0.14, -0.125, -0.1, -0.075, -0.04]
HAIRLINE_Z = [0.83, 0.822, 0.8, 0.775, 0.728, 0.73, 0.71, 0.68, 0.665]
HAIRLINE_SOFTNESS = 0.012

FLEXION_RANGE = (-35.0, 70.0)  # of the lower neck, in degrees
CVA_TOLERANCE = 0.5  # degrees
SECANT_STEPS = 5


class PosedBody(NamedTuple):
    """A body in a posture.

    Attributes:
        vertices: Posed vertices, (V, 3).
        rest_vertices: The same body in rest pose, (V, 3).
        head: Transform that takes the head from rest to its pose, (4, 4).
        cva: Craniovertebral angle in degrees.
    """

    vertices: NDArray[np.float64]
    rest_vertices: NDArray[np.float64]
    head: NDArray[np.float64]
    cva: float

    def move_with_head(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 3) from rest space to where the head has taken them."""
        return points @ self.head[:3, :3].T + self.head[:3, 3]


class Body:
    """Anny with all MakeHuman helper meshes (eyes, lashes, "tights" for clothes).

    Attributes:
        template: Vertices of an average adult in rest pose, (V, 3).
        faces: Quads of each mesh part by its name, (F, 4) vertex numbers.
        arm_weight: How far each vertex moves with the arm bones, (V,), 0 to 1.
        tragi: Vertex numbers of the left and the right tragus, the small cusp in front of the ear
            canal.
        scalp: Where hair grows, (V,), 0 to 1.
    """

    def __init__(self) -> None:
        """Load the model; the first load ever builds Anny's cache."""
        self._model = anny.Anny(
            rig="makehuman",
            topology="makehuman-full",
            skinning_method="lbs",
            phenotypes="all",
            local_changes="default",
        )
        average = dict.fromkeys(self._model.phenotype_labels, 0.5) | AVERAGE_ADULT
        with torch.no_grad():
            self.template: NDArray[np.float64] = self._model(phenotype_kwargs=average)["vertices"][0].numpy()
        self.faces = _read_faces(Path(anny.__file__).parent / "data/mpfb2/3dobjs/base.obj")
        arm_bones = np.array([any(part in bone for part in ARM_BONES) for bone in self._model.bone_labels])
        on_arm_bone = arm_bones[self._model.vertex_bone_indices.numpy()]
        self.arm_weight = (self._model.vertex_bone_weights.numpy() * on_arm_bone).sum(1)
        self.tragi = _find_tragi(self.template)
        self.scalp = _draw_scalp(self.template)

    @property
    def local_change_names(self) -> list[str]:
        """Anny's local shape changes that vary here; those of the head's angle fake posture."""
        names = self._model.local_change_labels
        return [n for n in names if n.split("-")[0] in LOCAL_CHANGES and not n.startswith("head-angle")]

    def pose(self, subject: Subject, posture: Posture, neck_flexion: float) -> PosedBody:
        """The subject in the posture, its lower neck bent forward by `neck_flexion` degrees."""
        rotations = _bone_rotations(posture, subject.seated, neck_flexion)
        with torch.no_grad():
            result = self._model(
                pose_parameters=rotations,
                phenotype_kwargs=subject.phenotype,
                local_changes_kwargs=subject.local_changes,
            )
        bone = self._model.bone_labels.index("head")
        head = result["bone_poses"][0, bone] @ torch.linalg.inv(result["rest_bone_poses"][0, bone])
        vertices = result["vertices"][0].numpy()
        return PosedBody(vertices, result["rest_vertices"][0].numpy(), head.numpy(), self._measure_cva(vertices))

    def take_posture(self, subject: Subject, posture: Posture) -> PosedBody:
        """The subject in a posture, its lower neck bent (secant search) to get near `posture.cva`.

        The caller checks how near: not every body reaches every angle.
        """
        flexion, previous_flexion = 15.0, 0.0
        error = self.pose(subject, posture, flexion).cva - posture.cva
        previous_error = self.pose(subject, posture, previous_flexion).cva - posture.cva
        for _ in range(SECANT_STEPS):
            step = error * (flexion - previous_flexion) / (error - previous_error)
            previous_flexion, flexion = flexion, float(np.clip(flexion - step, *FLEXION_RANGE))
            posed = self.pose(subject, posture, flexion)
            previous_error, error = error, posed.cva - posture.cva
            if abs(error) < CVA_TOLERANCE or flexion == previous_flexion:
                break
        return posed

    def _measure_cva(self, vertices: NDArray[np.float64]) -> float:
        """Angle at C7 between the horizontal and the line to the (mean) tragus, in degrees."""
        ear, c7 = vertices[list(self.tragi)].mean(0), vertices[C7]
        return math.degrees(math.atan2(ear[2] - c7[2], c7[1] - ear[1]))


def _read_faces(path: Path) -> dict[str, NDArray[np.int64]]:
    """Quads of each named group of a Wavefront file, without the small cubes that mark joints."""
    faces: dict[str, list[list[int]]] = {}
    with open(path) as lines:
        for line in lines:
            if line.startswith("g "):
                group = line.split()[1]
            elif line.startswith("f "):
                faces.setdefault(group, []).append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    return {name: np.array(quads) for name, quads in faces.items() if not name.startswith("joint")}


def _find_tragi(template: NDArray[np.float64]) -> tuple[int, int]:
    x, y, z = template[:SKIN_VERTICES].T
    distance = np.where(x > 0.05, np.hypot(y - TRAGUS_YZ[0], z - TRAGUS_YZ[1]), np.inf)
    left = int(np.argmin(distance))
    right = int(np.argmin(np.linalg.norm(template[:SKIN_VERTICES] - template[left] * MIRROR, axis=1)))
    return left, right


def _draw_scalp(template: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies above the hairline, with a soft edge; the ear itself stays bare."""
    x, y, z = template.T
    inner_ear = (abs(x) > 0.066) & (y > -0.142) & (y < -0.085) & (z > 0.69) & (z < 0.762)
    outer_ear = (abs(x) > 0.079) & (z < 0.77)
    skin = np.arange(len(template)) < SKIN_VERTICES
    hairline = np.interp(y, HAIRLINE_Y, HAIRLINE_Z)
    return np.clip((z - hairline) / HAIRLINE_SOFTNESS, 0, 1) * ~(inner_ear | outer_ear) * skin


def _bone_rotations(posture: Posture, seated: bool, neck_flexion: float) -> dict[str, torch.Tensor]:
    """Rotation of each bone that the posture moves."""
    # The upper neck extends by what the lower neck flexes, to keep the gaze: the tell-tale of
    # forward head posture.
    extension = posture.gaze - posture.lean - posture.kyphosis - neck_flexion
    rotations = {
        "spine05": _rotation(posture.lean),
        "spine03": _rotation(posture.kyphosis * 0.3),
        "spine02": _rotation(posture.kyphosis * 0.4),
        "spine01": _rotation(posture.kyphosis * 0.3),
        "neck01": _rotation(neck_flexion * 0.55),
        "neck02": _rotation(neck_flexion * 0.45),
        "neck03": _rotation(extension * 0.35, z=posture.turn * 0.5),
        "head": _rotation(extension * 0.65, y=posture.tilt, z=posture.turn * 0.5),
    }
    for side, sign in (("L", 1), ("R", -1)):
        arm, elbow = posture.arm[side], posture.elbow[side]
        rotations[f"clavicle.{side}"] = _rotation(z=-sign * posture.protraction)
        rotations[f"upperarm01.{side}"] = _rotation(x=arm - posture.lean - posture.kyphosis, y=sign * 36)
        rotations[f"lowerarm01.{side}"] = _rotation(x=elbow * 0.8, z=-sign * elbow * 0.25)
        if seated:
            rotations[f"upperleg01.{side}"] = _rotation(-82, z=sign * 4)
            rotations[f"lowerleg01.{side}"] = _rotation(85)
    return rotations


def _rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> torch.Tensor:
    """Rotation (1, 4, 4) by degrees about z, y, then x; about x, positive bends forward."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians([x, y, z])), np.sin(np.radians([x, y, z]))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    transform = np.eye(4)
    transform[:3, :3] = about_x @ about_y @ about_z
    return torch.tensor(transform, dtype=torch.float32)[None]
