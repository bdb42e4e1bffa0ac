"""Hair: strands grown in rest space, kept out of the skin, then moved with the head."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .body import SKIN_VERTICES, Body, PosedBody
from .mesh import vertex_normals
from .subject import Hair

STRANDS = 4000
TAIL_STRANDS = 900  # of a pony tail or bun
POINTS = 9  # of each strand
LENGTHS = {"crop": 0.012, "short": 0.035, "side": 0.06, "bob": 0.17, "tied": 0.13, "long": 0.33}  # metres


class Skull(NamedTuple):
    """The scalp: its ellipsoid (centre, radii), and its lowest and highest x, y, z; each (3,)."""

    center: NDArray[np.float64]
    radii: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Skin(NamedTuple):
    """Skin that hair must stay out of: points (S, 3), their normals (S, 3) and a search tree."""

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    tree: cKDTree


class Roots(NamedTuple):
    """Where strands grow from.

    Attributes:
        points: (N, 3).
        outward: Unit normals of the skull there, (N, 3).
        height: 0 at or below the middle of the skull, 1 at its top, (N, 1).
        bun: Where tied hair is tied, (3,).
    """

    points: NDArray[np.float64]
    outward: NDArray[np.float64]
    height: NDArray[np.float64]
    bun: NDArray[np.float64]


def grow_hair(body: Body, hair: Hair, posed: PosedBody, rng: np.random.Generator) -> NDArray[np.float64]:
    """Strands of the haircut on the posed head, (N, POINTS, 3)."""
    rest = posed.rest_vertices
    points = _draw_roots(body, rest, rng)
    skull = _fit_skull(rest[:SKIN_VERTICES][body.scalp[:SKIN_VERTICES] > 0.3])
    outward = (points - skull.center) / skull.radii**2
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    height = np.clip((points[:, 2:] - skull.center[2]) / skull.radii[2], 0, 1)
    bun = np.array([0, skull.high[1] + 0.015, skull.center[2] + hair.bun_height])
    roots = Roots(points, outward, height, bun)

    length = LENGTHS[hair.style] * rng.uniform(0.85, 1.15) * rng.uniform(0.8, 1.1, (STRANDS, 1))
    if hair.style in ("short", "side"):  # shorter at the sides and the nape
        length = length * (0.35 + 0.65 * height)
    unruliness = rng.normal(0, 0.12, (STRANDS, 3))
    strands = _grow(hair, roots, length, unruliness, skull=skull, skin=_find_skin(body, rest))
    if hair.style == "tied":
        strands = np.concatenate([strands, bun + _draw_tail(hair.pony_tail, rng)])
    return posed.move_with_head(strands)


def _draw_roots(body: Body, rest: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Points evenly spread over the scalp, (STRANDS, 3)."""
    faces = body.faces["body"]
    scalp = rest[faces[body.scalp[faces].mean(1) > 0.4]]
    a, b, c, d = (scalp[:, i] for i in range(4))
    area = np.linalg.norm(np.cross(c - a, d - b), axis=1)
    i = rng.choice(len(scalp), STRANDS, p=area / area.sum())
    u, v = rng.random((2, STRANDS, 1))
    return (a[i] * (1 - u) + b[i] * u) * (1 - v) + (d[i] * (1 - u) + c[i] * u) * v


def _fit_skull(scalp: NDArray[np.float64]) -> Skull:
    low, high = scalp.min(0), scalp.max(0)
    center = np.array([0, (low[1] + high[1]) / 2 - 0.006, high[2] - 0.095])
    radii = np.array([(high[0] - low[0]) / 2, (high[1] - low[1]) / 2, 0.095])
    return Skull(center, radii, low, high)


def _find_skin(body: Body, rest: NDArray[np.float64]) -> Skin:
    """Head, neck and shoulders."""
    faces = body.faces["body"]
    near = np.unique(faces)
    near = near[(body.template[near, 2] > 0.55) & (body.arm_weight[near] < 0.3)]
    return Skin(rest[near], vertex_normals(rest, faces)[near], cKDTree(rest[near]))


def _grow(
    hair: Hair,
    roots: Roots,
    length: NDArray[np.float64],
    unruliness: NDArray[np.float64],
    *,
    skull: Skull,
    skin: Skin,
) -> NDArray[np.float64]:
    """Grow strands of a length (N, 1), each direction changed by `unruliness` (N, 3)."""
    strands = np.empty((len(length), POINTS, 3))
    tips = roots.points - roots.outward * 0.002
    clearance = 0.0025 if hair.style in ("crop", "tied") else 0.005
    for i in range(POINTS):
        strands[:, i] = tips
        direction = _growth_direction(hair, roots, tips, skull, i / (POINTS - 1)) + unruliness
        tips = tips + direction / np.linalg.norm(direction, axis=1, keepdims=True) * length / (POINTS - 1)
        tips = _push_out(tips, skin, clearance * (1 + i % 3))
        if hair.style in ("bob", "long"):  # hang behind the ears
            beside = (abs(tips[:, 0]) > 0.05) & (tips[:, 2] < skull.center[2] + 0.02)
            tips[:, 1] = np.where(beside, np.maximum(tips[:, 1], skull.low[1] + 0.075), tips[:, 1])
    return strands


def _growth_direction(
    hair: Hair,
    roots: Roots,
    tips: NDArray[np.float64],
    skull: Skull,
    grown: float,
) -> NDArray[np.float64]:
    """Where strands grow next, (N, 3) of any length, once a share `grown` of them has."""
    x, y, outward = roots.points[:, :1], roots.points[:, 1:2], roots.outward
    if hair.style == "crop":
        return outward + np.array([0, 0.5, -0.2])
    if hair.style == "short":
        return outward * (0.7 - 0.4 * grown) + np.array([0.15 * hair.part, hair.comb, -0.45])
    if hair.style == "side":
        aside = np.where(x > hair.part * 0.03, 1, -1) * 0.7
        return outward * (0.5 - 0.3 * grown) + _columns(aside, hair.comb * 0.8, -0.4 - grown)
    if hair.style == "tied":
        distance = np.linalg.norm(roots.bun - tips, axis=1, keepdims=True)
        return np.where(distance < 0.02, [0, 0.15, -1], (roots.bun - tips) / (distance + 1e-6))
    aside = np.where(x > hair.part * 0.02, 1, -1) * 0.55 * roots.height
    back = 0.55 * np.clip((y - skull.low[1]) / 0.1, 0, 1) * (1 - grown) + 0.25
    return outward * (0.35 - 0.5 * grown) + _columns(aside, back, -0.3 - 1.6 * grown)


def _columns(*values: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Put columns (N, 1) and numbers side by side."""
    return np.hstack(np.broadcast_arrays(*values))


def _push_out(points: NDArray[np.float64], skin: Skin, clearance: float) -> NDArray[np.float64]:
    """Move points (N, 3) under the skin, or nearer than `clearance`, out along its normal."""
    nearest = skin.tree.query(points)[1]
    normals = skin.normals[nearest]
    lack = clearance - ((points - skin.points[nearest]) * normals).sum(1, keepdims=True)
    return points + np.clip(lack, 0, 0.03) * normals


def _draw_tail(pony_tail: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Strands (TAIL_STRANDS, POINTS, 3) of a pony tail or bun about where the hair is tied."""
    # Drawn for a pony tail too, which needs no angles: otherwise its other draws would change.
    start, turn = rng.uniform(0, 2 * np.pi, (2, TAIL_STRANDS, 1))
    if pony_tail:
        t = np.linspace(0, 1, POINTS)[None, :, None]
        thickness = 0.5 + 1.2 * np.sin(np.pi * np.minimum(t * 0.9 + 0.1, 1))
        scatter = rng.normal(0, 0.011, (TAIL_STRANDS, 1, 3)) * thickness
        return np.concatenate([0 * t, 0.055 * np.sin(t * 2.2), 0.012 - 0.2 * t**1.4], 2) + scatter
    angle = start + np.linspace(0, 2.2, POINTS)
    radius = 0.026 * np.sqrt(rng.uniform(0.5, 1, (TAIL_STRANDS, 1)))
    across = radius * np.cos(turn) * np.ones_like(angle)
    ball = np.stack([across, radius * np.sin(turn) * np.cos(angle), radius * np.sin(turn) * np.sin(angle)], 2)
    return [0, 0.012, 0] + ball[:, :, rng.permutation(3)]
