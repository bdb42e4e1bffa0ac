"""The surroundings: a room with furniture, or an open field.

A subject's `room_seed` draws them anew for each photo. What a photo leaves out (the wall in front
of the camera) is not drawn, so what is drawn after it differs between photos from different sides.
"""

import math
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .mesh import add_box, add_mesh
from .nodes import Input, Tree, color_noise, feed, material, mix, node, noise, object_position
from .shot import Desk, Light, Shot
from .subject import Subject, hsv

WARM_WHITE, COLD_WHITE = (1, 0.96, 0.9), (0.88, 0.94, 1)
BLACK, METAL = (0.02, 0.02, 0.02), (0.4, 0.4, 0.42)
MORTAR = (0.6, 0.58, 0.55)
SEAT_HEIGHT = -0.13  # from the pelvis
DESK_EDGE = -0.36  # y of the edge next to the subject
SHELF_DEPTH, SHELF_THICKNESS, BOOK_DEPTH = 0.22, 0.025, 0.17


class Wall(NamedTuple):
    """A wall across an axis (0 x, 1 y) at a coordinate; `inward` is the sign into the room."""

    axis: int
    at: float
    inward: int


class Panel(NamedTuple):
    """A rectangle on a wall: its start along the wall, size, and height of the lower edge."""

    start: float
    width: float
    height: float
    bottom: float


def add_surroundings(subject: Subject, shot: Shot, camera: NDArray[np.float64], floor: float) -> None:
    """Add all but the person and the lamp, for a camera at a place (3,) and a floor at a height."""
    rng = np.random.default_rng(subject.room_seed)
    if subject.outdoor:
        _add_field(shot.light, floor, rng)
    else:
        _add_room(shot.light, camera, floor, rng)
    if subject.seated:
        _add_chair(shot.posture.lean, floor, rng)
        if shot.desk:
            _add_desk(shot.desk, rng)


def _add_world() -> tuple[Tree, bpy.types.Node]:
    """Light from all around: its node tree, and the node of its colour (0) and strength (1)."""
    world = bpy.context.scene.world = bpy.data.worlds.new("world")
    return world.node_tree, world.node_tree.nodes["Background"]


def _add_field(light: Light, floor: float, rng: np.random.Generator) -> None:
    """Blurry leaves and sky all around, over plain ground."""
    tree, background = _add_world()
    clouds = node(tree, "TexNoise", {"Scale": rng.uniform(2, 7), "Detail": 8.0})
    ramp = node(tree, "ValToRGB", {0: clouds.outputs[0]})
    shade = hsv(rng.uniform(0.2, 0.4), 0.6, 0.05)
    leaves = hsv(rng.uniform(0.15, 0.35), 0.5, 0.3)
    sky = hsv(rng.uniform(0.5, 0.62), 0.25, 0.9)
    stops = ramp.color_ramp.elements
    stops.new(0.5)
    for stop, color, position in zip(stops, (shade, leaves, sky), (0.35, 0.5, 0.66), strict=True):
        stop.color, stop.position = (*color, 1), position
    feed(tree, background.inputs[0], ramp.outputs[0])
    feed(tree, background.inputs[1], light.ambient)
    ground = np.array([[-20, -20, floor], [20, -20, floor], [20, 20, floor], [-20, 20, floor]])
    add_mesh(ground, np.array([[0, 1, 2, 3]]), material(hsv(rng.uniform(0.05, 0.35), 0.3, 0.3)), subdivision=0)


def _add_room(light: Light, camera: NDArray[np.float64], floor: float, rng: np.random.Generator) -> None:
    tree, background = _add_world()
    feed(tree, background.inputs[0], WARM_WHITE if rng.random() < 0.5 else COLD_WHITE)
    feed(tree, background.inputs[1], 0.8 * light.ambient)
    walls = (
        Wall(axis=0, at=-rng.uniform(1.0, 2.4), inward=1),
        Wall(axis=0, at=rng.uniform(1.0, 2.4), inward=-1),
        Wall(axis=1, at=-rng.uniform(1.6, 3.0), inward=1),
        Wall(axis=1, at=rng.uniform(0.9, 2.2), inward=-1),
    )
    for wall in walls:
        if (camera[wall.axis] - wall.at) * wall.inward >= 0.05:  # not between camera and person
            _add_wall(wall, floor, rng)
    add_box([-6, -6, floor - 0.1], [6, 6, floor], material(lambda tree: _surface(tree, rng), 0.5))


def _add_wall(wall: Wall, floor: float, rng: np.random.Generator) -> None:
    """Add a wall with one to four windows, pictures and shelves."""
    paint = material(lambda tree: _surface(tree, rng), 0.8)
    low, high = np.array([-6, -6, floor - 0.1]), np.array([6, 6, floor + 3.2])
    low[wall.axis], high[wall.axis] = wall.at - 0.05 * wall.inward, wall.at
    add_box(low, high, paint)
    for _ in range(rng.integers(1, 5)):
        start, width = rng.uniform(-1.6, 1.2), rng.uniform(0.25, 1.0)
        panel = Panel(start, width, height=rng.uniform(0.2, 0.9), bottom=rng.uniform(-0.1, 0.9))
        thickness, kind = rng.uniform(0.02, 0.06), rng.random()
        low, high = _corners(wall, panel, thickness)
        if kind < 0.3:
            daylight = material((0.9, 0.95, 1), Emission_Color=(0.85, 0.93, 1), Emission_Strength=rng.uniform(1, 4))
            add_box(low, high, daylight)
        elif kind < 0.65:
            add_box(low, high, material(lambda tree: _picture(tree, rng)))
        else:
            _add_shelf(wall, panel, rng)


def _corners(wall: Wall, panel: Panel, depth: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest corner of a box of a depth on the wall."""
    low, high = np.zeros(3), np.zeros(3)
    along = 1 - wall.axis
    low[along], high[along] = panel.start, panel.start + panel.width
    low[2], high[2] = panel.bottom, panel.bottom + panel.height
    low[wall.axis], high[wall.axis] = wall.at, wall.at + depth * wall.inward
    return low, high


def _add_shelf(wall: Wall, panel: Panel, rng: np.random.Generator) -> None:
    """Add a board with books of all colours along the lower edge of the panel."""
    board = panel._replace(height=SHELF_THICKNESS)
    add_box(*_corners(wall, board, SHELF_DEPTH), material(hsv(0.08, 0.5, rng.uniform(0.1, 0.6))))
    at, end = panel.start + 0.02, panel.start + panel.width - 0.05
    while at < end:
        book = Panel(at, rng.uniform(0.015, 0.06), rng.uniform(0.12, 0.28), panel.bottom + SHELF_THICKNESS)
        cover = material(hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.8)))
        add_box(*_corners(wall, book, BOOK_DEPTH), cover)
        at += book.width + 0.003 + (rng.random() < 0.15) * 0.1  # now and then a gap


def _surface(tree: Tree, rng: np.random.Generator) -> Input:
    """Colour of a random surface: paint, stripes, bricks or wood."""
    color = hsv(rng.random(), rng.uniform(0, 0.35), rng.uniform(0.25, 0.9))
    darker, position = color * rng.uniform(0.6, 0.95), object_position(tree)
    kind = rng.choice(["paint", "stripes", "brick", "wood", "paint"])
    if kind == "brick":
        colors = {"Color1": color, "Color2": darker, "Mortar": MORTAR}
        return node(tree, "TexBrick", {"Vector": position, "Scale": rng.uniform(2, 5)} | colors).outputs["Color"]
    if kind in ("stripes", "wood"):
        wave: dict[str, Input] = {
            "Vector": position,
            "Scale": rng.uniform(2, 9),
            "Distortion": 6.0 if kind == "wood" else 0.0,
        }
        direction = str(rng.choice(["X", "Y", "DIAGONAL"]))
        factor = node(tree, "TexWave", wave, bands_direction=direction).outputs["Factor"]
        return mix(tree, factor, color, darker)
    return mix(tree, noise(tree, 1.5, position), color, darker)


def _picture(tree: Tree, rng: np.random.Generator) -> Input:
    """An abstract painting in two colours."""
    factor = color_noise(tree, rng.uniform(3, 12), object_position(tree))
    return mix(tree, factor, rng.random(3) * 0.8, rng.random(3) * 0.8)


def _add_chair(lean: float, floor: float, rng: np.random.Generator) -> None:
    """Add a chair whose back follows some of the lean (degrees) of the sitter's trunk."""
    cover = material(hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.02, 0.5)), 0.6)
    back = add_box([-0.21, 0.07, -0.12], [0.21, 0.12, rng.uniform(0.12, 0.36)], cover, bevel=0.02)
    back.rotation_euler = (math.radians(-lean * 0.6 - 6), 0, 0)
    add_box([-0.24, -0.48, -0.2], [0.24, 0.08, SEAT_HEIGHT], cover, bevel=0.02)
    add_box([-0.03, -0.2, floor], [0.03, -0.14, -0.2], cover)


def _add_desk(desk: Desk, rng: np.random.Generator) -> None:
    """Add a desk with a laptop, or with a monitor and a keyboard."""
    y, z, dark = DESK_EDGE, desk.height, material(BLACK, 0.3)
    wood = material(hsv(rng.uniform(0.05, 0.12), rng.uniform(0, 0.6), rng.uniform(0.1, 0.8)), 0.4)
    add_box([-0.75, y - 0.7, z - 0.03], [0.75, y, z], wood, bevel=0.005)
    screen = material((0.1, 0.1, 0.1), Emission_Color=hsv(rng.random(), 0.3, 0.9), Emission_Strength=1.2)
    if desk.laptop:
        add_box([-0.17, y - 0.36, z], [0.17, y - 0.13, z + 0.015], material(METAL, 0.3))
        add_box([-0.17, y - 0.40, z + 0.01], [0.17, y - 0.385, z + 0.24], dark)
        add_box([-0.16, y - 0.385, z + 0.02], [0.16, y - 0.384, z + 0.23], screen)
    else:
        add_box([-0.28, y - 0.42, z + 0.1], [0.28, y - 0.39, z + 0.46], dark, bevel=0.005)
        add_box([-0.27, y - 0.389, z + 0.11], [0.27, y - 0.388, z + 0.45], screen)
        add_box([-0.03, y - 0.42, z], [0.03, y - 0.40, z + 0.2], dark)
        add_box([-0.2, y - 0.2, z], [0.2, y - 0.07, z + 0.015], dark)
