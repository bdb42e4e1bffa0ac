"""Shader nodes: short ways to write Blender's materials.

A colour or value that goes into a node is a number, an RGB, or the output of another node
(`Input`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

Tree: TypeAlias = bpy.types.NodeTree
Socket: TypeAlias = bpy.types.NodeSocket
Input: TypeAlias = Socket | NDArray[np.float64] | Sequence[float] | float
Shade: TypeAlias = Input | Callable[[Tree], Input]  # a function builds it in the tree of the material

# Blender's Mix node has a set of sockets per data type under the same names; these are the numbers
# of the colours'.
MIX_FACTOR, MIX_A, MIX_B, MIX_RESULT = 0, 6, 7, 2


def feed(tree: Tree, socket: Socket, value: Input) -> None:
    """Link a node's output to an input, or set the input's own value."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, socket)
    elif isinstance(value, int | float):
        socket.default_value = value
    else:
        socket.default_value = (*value, 1)


def node(tree: Tree, kind: str, inputs: Mapping[Any, Input] | None = None, **properties: Any) -> bpy.types.Node:
    """Add a shader node; properties are set before inputs, since they can change the inputs."""
    new = tree.nodes.new("ShaderNode" + kind)
    for name, value in properties.items():
        setattr(new, name, value)
    for name, value in (inputs or {}).items():
        feed(tree, new.inputs[name], value)
    return new


def calculate(tree: Tree, operation: str, a: Input, b: Input = 0.0) -> Socket:
    """Result of an operation of the Math node."""
    return node(tree, "Math", {0: a, 1: b}, operation=operation).outputs[0]


def mix(tree: Tree, factor: Input, a: Input, b: Input) -> Socket:
    """Colour from a (factor 0) to b (factor 1)."""
    inputs: dict[int, Input] = {MIX_FACTOR: factor, MIX_A: a, MIX_B: b}
    return node(tree, "Mix", inputs, data_type="RGBA").outputs[MIX_RESULT]


def attribute(tree: Tree, name: str) -> Socket:
    """A number that the mesh gives at each vertex."""
    return node(tree, "Attribute", attribute_name=name).outputs["Factor"]


def rest_position(tree: Tree) -> Socket:
    """Position on the rest body (attribute "rest"): textures on it move with the skin."""
    return node(tree, "Attribute", attribute_name="rest").outputs["Vector"]


def object_position(tree: Tree) -> Socket:
    """Position in the object's own coordinates, in metres."""
    return node(tree, "TexCoord").outputs["Object"]


def noise(tree: Tree, scale: float, position: Socket) -> Socket:
    """Smooth noise, 0 to 1, with about `scale` bumps a metre."""
    return node(tree, "TexNoise", {"Scale": scale, "Vector": position}).outputs["Factor"]


def color_noise(tree: Tree, scale: float, position: Socket) -> Socket:
    """The same, as independent channels of a colour."""
    return node(tree, "TexNoise", {"Scale": scale, "Vector": position}).outputs["Color"]


def material(
    color: Shade,
    roughness: float = 0.6,
    alpha: Shade | None = None,
    bumps: tuple[float, float, float] | None = None,
    **inputs: Input,
) -> bpy.types.Material:
    """Make a material of Blender's "Principled BSDF" shader.

    Args:
        color: Base colour.
        roughness: 0 for a mirror, 1 for chalk.
        alpha: Opacity, opaque without it.
        bumps: Scale (per metre), strength (0 to 1) and height (metres) of bumps on the rest body.
        inputs: More inputs of the shader, with underscores for the spaces of their names.
    """
    new = bpy.data.materials.new("material")
    tree, shader = new.node_tree, new.node_tree.nodes["Principled BSDF"]
    for name, value in inputs.items():
        feed(tree, shader.inputs[name.replace("_", " ")], value)
    feed(tree, shader.inputs["Roughness"], roughness)
    feed(tree, shader.inputs["Base Color"], color(tree) if callable(color) else color)
    if alpha is not None:
        feed(tree, shader.inputs["Alpha"], alpha(tree) if callable(alpha) else alpha)
    if bumps:
        scale, strength, height = bumps
        relief: dict[str, Input] = {
            "Height": noise(tree, scale, rest_position(tree)),
            "Strength": strength,
            "Distance": height,
        }
        feed(tree, shader.inputs["Normal"], node(tree, "Bump", relief).outputs["Normal"])
    return new
