"""Clothes: MakeHuman's "tights" helper mesh, made into a shirt and trousers."""

from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .body import Body, PosedBody
from .mesh import add_mesh, smooth, vertex_normals
from .nodes import Input, Socket, Tree, attribute, calculate, material, mix, node, noise, rest_position
from .subject import Clothes, Subject

# Joints of the left arm on the template.
SHOULDER, ELBOW, WRIST = np.array([[0.187, -0.092, 0.497], [0.378, -0.099, 0.282], [0.51, -0.275, 0.147]])

NECKLINE_RISE = {"crew": 0.0, "v": 0.0, "collar": 0.022, "hood": 0.028}  # metres
NECKLINE_DEPTH = {"v": 0.09, "collar": 0.06}  # of the opening in front
COLLAR_WIDTH = {"collar": 0.008, "hood": 0.02}  # how far it stands off the neck
HEM_WIDTH = 0.013
FOLD_HEIGHT = 0.0025


class Cover(NamedTuple):
    """Signed distances (V,) to the edges of the shirt and the trousers, roughly in metres.

    Positive values lie under cloth.
    """

    shirt: NDArray[np.float64]
    trousers: NDArray[np.float64]


def cut_clothes(body: Body, clothes: Clothes) -> Cover:
    """Draw the edges of the clothes on the template."""
    x, y, z = body.template.T
    neckline = 0.603 + (y + 0.045) * 0.58 + NECKLINE_RISE[clothes.neckline]
    if clothes.neckline in NECKLINE_DEPTH:
        opening = np.clip(NECKLINE_DEPTH[clothes.neckline] - 1.2 * abs(x), 0, 1) * np.clip((-0.1 - y) / 0.02, 0, 1)
        neckline = neckline - np.where(y < -0.1, opening, 0)
    torso = np.minimum(neckline + np.clip(abs(x) - 0.1, 0, 1) - z, z + 0.03)
    sleeve = np.minimum((clothes.sleeve - _along_arm(body.template)) * 0.28, 1)
    return Cover(np.where(body.arm_weight > 0.5, sleeve, torso), 0.06 - z)


def _along_arm(template: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far down the arm each vertex (V,) lies: 0 shoulder, 1 elbow, 2 wrist."""
    x, y, z = template.T
    points = np.column_stack([abs(x), y, z])  # both arms as the left one
    upper, lower = ELBOW - SHOULDER, WRIST - ELBOW
    along_upper = (points - SHOULDER) @ upper / (upper @ upper)
    along_lower = (points - ELBOW) @ lower / (lower @ lower)
    return np.where(along_lower > 0, 1 + along_lower, np.minimum(along_upper, 1))


def add_clothes(body: Body, subject: Subject, posed: PosedBody, cover: Cover, rng: np.random.Generator) -> None:
    """Add shirt and trousers; `rng` draws the folds."""
    faces = body.faces["helper-tights"]
    normals = vertex_normals(posed.vertices, faces)
    looseness = _loosen(body, subject.clothes) + _draw_folds(body, rng)
    cloth = smooth(posed.vertices, faces, 6) + normals * looseness[:, None]
    shirt = add_mesh(
        cloth,
        faces[cover.shirt[faces].max(1) > -0.02],
        _shirt_material(subject),
        {"rest": body.template, "keep": cover.shirt},
        subdivision=2,
    )
    solidify = shirt.modifiers.new("solidify", "SOLIDIFY")
    solidify.thickness, solidify.offset = 0.003, 1  # all of it outwards
    legs = faces[(cover.trousers[faces].max(1) > -0.02) & (body.arm_weight[faces].max(1) < 0.5)]
    add_mesh(cloth - normals * 0.002, legs, material(subject.clothes.trousers, 0.85))  # under the shirt


def _loosen(body: Body, clothes: Clothes) -> NDArray[np.float64]:
    """Distance (V,) of cloth from skin in metres: more at the belly and at a loose collar."""
    _, y, z = body.template.T
    distance = clothes.looseness * (0.35 + np.clip((0.5 - z) / 0.3, 0, 1.2)) + 0.002
    if clothes.neckline in COLLAR_WIDTH:
        collar = np.clip((z - 0.565) / 0.04, 0, 1) * COLLAR_WIDTH[clothes.neckline]
        distance = distance + collar * (y > -0.2) * (body.arm_weight < 0.3)
    return distance


def _draw_folds(body: Body, rng: np.random.Generator) -> NDArray[np.float64]:
    """Height (V,) of folds below the shoulders in metres: a random wave, bent by another."""
    wave, bend = rng.normal(0, 45, 3), rng.normal(0, 30, 3)
    phase = body.template @ wave + 2 * np.sin(body.template @ bend) + rng.uniform(0, 6)
    return np.sin(phase) * FOLD_HEIGHT * (body.template[:, 2] < 0.5)


def _shirt_material(subject: Subject) -> bpy.types.Material:
    """Cloth with a hem; outside the shirt's edge it is transparent, a finer cut than faces give."""
    clothes = subject.clothes

    def color(tree: Tree) -> Input:
        in_hem = calculate(tree, "LESS_THAN", attribute(tree, "keep"), HEM_WIDTH)
        hem = clothes.second_color if clothes.pattern == "stripes" else clothes.color * 0.6
        return mix(tree, calculate(tree, "MULTIPLY", in_hem, 0.6), _pattern(tree, subject), hem)

    def alpha(tree: Tree) -> Input:
        return calculate(tree, "GREATER_THAN", attribute(tree, "keep"), 0.0)

    return material(color, 0.9, alpha, bumps=(9, 0.5, 0.03), Sheen_Weight=0.2)


def _pattern(tree: Tree, subject: Subject) -> Socket:
    """The shirt's colour."""
    clothes, position = subject.clothes, rest_position(tree)
    if clothes.pattern == "plain":
        return mix(tree, noise(tree, 6, position), clothes.color * 0.92, clothes.color * 1.05)
    if clothes.pattern == "heather":
        return mix(tree, noise(tree, 220, position), clothes.color, clothes.color * 0.55 + 0.12)

    def stripes(axis: str) -> Socket:
        coordinate = node(tree, "SeparateXYZ", {0: position}).outputs[axis]
        phase = calculate(tree, "FRACT", calculate(tree, "MULTIPLY", coordinate, subject.stripes.frequency))
        return calculate(tree, "LESS_THAN", phase, subject.stripes.share)

    factor = stripes("Z")
    if clothes.pattern == "plaid":
        factor = calculate(tree, "MULTIPLY", calculate(tree, "ADD", factor, stripes("X")), 0.5)
    return mix(tree, factor, clothes.color, clothes.second_color)
