"""The person: skin with its face, eyes, and glasses, together with hair and clothes."""

import bpy
import numpy as np
from numpy.typing import NDArray

from .body import MIRROR, Body, PosedBody
from .clothes import Cover, add_clothes, cut_clothes
from .hair import grow_hair
from .mesh import add_mesh, add_strands
from .nodes import Input, Tree, attribute, calculate, material, mix, noise, rest_position
from .subject import Subject

SCLERA, PUPIL, LASH = (0.75, 0.72, 0.7), (0.005, 0.005, 0.005), (0.01, 0.008, 0.006)
IRIS_RADIUS, PUPIL_RADIUS = 0.0058, 0.0025
HAIR_RADIUS, CROP_RADIUS, FRAME_RADIUS = 0.0011, 0.0009, 0.0016
LENS_RADIUS = 0.021

# The jaw line's height (second row) over y (first row), from the chin to the ear.
JAW_Y = [-0.235, -0.2, -0.14, -0.12]
JAW_Z = [0.685, 0.69, 0.715, 0.74]


def add_person(body: Body, subject: Subject, posed: PosedBody, rng: np.random.Generator) -> None:
    """Add all meshes of the person; `rng` draws folds and hair."""
    cover = cut_clothes(body, subject.clothes)
    _add_skin(body, subject, posed, cover)
    _add_eyes(body, subject, posed)
    add_clothes(body, subject, posed, cover, rng)
    if subject.hair.style != "bald":
        strands = grow_hair(body, subject.hair, posed, rng)
        radius = CROP_RADIUS if subject.hair.style == "crop" else HAIR_RADIUS
        add_strands(strands, radius, material(subject.hair.color, 0.38))
    if subject.glasses:
        _add_glasses(body, subject, posed)


def _add_skin(body: Body, subject: Subject, posed: PosedBody, cover: Cover) -> None:
    """Add the skin, without what lies well under the clothes and could poke through them."""
    faces = body.faces["body"]
    under_shirt = cover.shirt[faces].min(1) >= 0.03
    under_trousers = (cover.trousers[faces].min(1) > 0.02) & (body.arm_weight[faces].max(1) < 0.5)
    bare = faces[~under_shirt & ~under_trousers]
    attributes = {"rest": body.template, "scalp": body.scalp} | _draw_face(body)
    add_mesh(posed.vertices, bare, _skin_material(subject), attributes)


def _draw_face(body: Body) -> dict[str, NDArray[np.float64]]:
    """Masks of the face on the template, each (V,), 0 to 1."""
    x, y, z = body.template.T
    aside = abs(x)
    eye_height = body.template[body.faces["helper-l-eye"]].reshape(-1, 3).mean(0)[2]
    brow_height = eye_height + 0.021 + 0.12 * (0.045 - aside) * (aside > 0.04) - 0.08 * abs(aside - 0.034)
    jaw = np.interp(y, JAW_Y, JAW_Z)
    on_brow = (aside > 0.012) & (aside < 0.055) & (y < -0.17)
    return {
        "brow": np.exp(-(((z - brow_height) / 0.0035) ** 4)) * on_brow,
        "lips": np.exp(-(((z - 0.676) / 0.008) ** 4)) * (aside < 0.024) * (y < -0.205),
        "beard": np.clip((jaw - z) / 0.01, 0, 1) * np.clip((z - 0.625) / 0.015, 0, 1) * (y < -0.125),
    }


def _skin_material(subject: Subject) -> bpy.types.Material:
    tone, hair = subject.skin, subject.hair.color
    layers = {  # what is painted on the skin: opacity and colour
        "lips": (0.75, tone * [0.85, 0.527, 0.51]),
        "beard": (subject.beard * 0.8, hair),
        "scalp": (0.3 if subject.hair.style == "bald" else 1.0, hair * 0.9),
        "brow": (0.8, hair * 0.7),
    }

    def color(tree: Tree) -> Input:
        blotches = calculate(tree, "MULTIPLY", noise(tree, 28, rest_position(tree)), 0.4)
        mixed = mix(tree, blotches, tone * 1.06, tone * [1, 0.78, 0.74])
        for name, (opacity, layer) in layers.items():
            mixed = mix(tree, calculate(tree, "MULTIPLY", attribute(tree, name), opacity), mixed, layer)
        return mixed

    return material(
        color,
        0.5,
        bumps=(400, 0.12, 0.002),  # pores
        Subsurface_Weight=0.12,
        Subsurface_Scale=0.01,
        Specular_IOR_Level=0.4,
    )


def _add_eyes(body: Body, subject: Subject, posed: PosedBody) -> None:
    """Add eyeballs and lashes."""

    def color(tree: Tree) -> Input:
        from_axis = attribute(tree, "axis_distance")
        in_iris = calculate(tree, "LESS_THAN", from_axis, IRIS_RADIUS)
        in_pupil = calculate(tree, "LESS_THAN", from_axis, PUPIL_RADIUS)
        return mix(tree, in_pupil, mix(tree, in_iris, SCLERA, subject.eye_color), PUPIL)

    x, y, z = body.template.T
    for side in "lr":
        eyeball = body.faces[f"helper-{side}-eye"]
        center = body.template[np.unique(eyeball)].mean(0)
        from_axis = np.hypot(x - center[0], z - center[2])
        attributes = {"axis_distance": np.where(y < center[1], from_axis, 0.02)}  # no second iris at the back
        add_mesh(posed.vertices, eyeball, material(color, 0.08), attributes, subdivision=2)
        lashes = [faces for name, faces in body.faces.items() if name.startswith(f"helper-{side}-eyelashes")]
        add_mesh(posed.vertices, np.concatenate(lashes), material(LASH, alpha=0.55), subdivision=0)


def _add_glasses(body: Body, subject: Subject, posed: PosedBody) -> None:
    """Add a frame of five wires: two rims, two temples and a bridge."""
    rest = posed.rest_vertices
    eye = rest[np.unique(body.faces["helper-l-eye"])].mean(0)
    front = rest[np.unique(body.faces["helper-l-eyelashes-2"])].min(0)[1] - 0.008
    angle = np.linspace(0, 2 * np.pi, 24)
    t = np.linspace(0, 1, 24)[:, None]
    width, height = LENS_RADIUS * 1.12, LENS_RADIUS * 0.85
    rim_x, rim_z = eye[0] + 0.002 + width * np.cos(angle), eye[2] - 0.003 + height * np.sin(angle)
    rim = np.stack([rim_x, np.full_like(angle, front), rim_z], 1)
    hinge, ear = np.array([eye[0] + 0.002 + width, front, eye[2] + 0.004]), rest[body.tragi[0]] + [0.004, 0.018, 0.028]
    temple = hinge * (1 - t) + ear * t + np.array([[0.006, 0, 0]]) * np.sin(np.pi * t)
    bridge = np.array([0, front - 0.003, eye[2] + 0.002]) + np.array([[1, 0, 0]]) * (t * 0.028 - 0.014)
    wires = np.stack([rim, rim * MIRROR, temple, temple * MIRROR, bridge])
    add_strands(posed.move_with_head(wires), FRAME_RADIUS, material(subject.glasses_color, 0.25))
