"""Meshes: normals, smoothing, and putting them, boxes and curves into the Blender scene."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals (V, 3) of a mesh of quads, 0 where a vertex has no face."""
    a, b, c, d = (vertices[faces[:, i]] for i in range(4))
    face_normals, normals = np.cross(c - a, d - b), np.zeros_like(vertices)
    for i in range(4):
        np.add.at(normals, faces[:, i], face_normals)
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)


def smooth(vertices: NDArray[np.float64], faces: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
    """Laplacian smoothing of quads: a step moves a vertex half-way to its neighbours' mean."""
    sides = np.concatenate([faces[:, [i, (i + 1) % 4]] for i in range(4)])
    edges = np.unique(np.sort(sides, 1), axis=0)
    degree = np.bincount(edges.ravel(), minlength=len(vertices))[:, None]
    for _ in range(steps):
        total = np.zeros_like(vertices)
        np.add.at(total, edges[:, 0], vertices[edges[:, 1]])
        np.add.at(total, edges[:, 1], vertices[edges[:, 0]])
        vertices = np.where(degree > 0, 0.5 * vertices + 0.5 * total / np.maximum(degree, 1), vertices)
    return vertices


def link(name: str, data: bpy.types.ID) -> bpy.types.Object:
    """Put data (a mesh, curves, a lamp or a camera) into the scene as a new object."""
    new = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(new)
    return new


def add_mesh(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    material: bpy.types.Material,
    attributes: Mapping[str, NDArray[np.float64]] | None = None,
    *,
    subdivision: int = 1,
    smooth_shading: bool = True,
) -> bpy.types.Object:
    """Add the part of a mesh that the faces use.

    Args:
        vertices: (V, 3).
        faces: (F, N) vertex numbers.
        material: Of the whole mesh.
        attributes: Numbers (V,) or vectors (V, 3) at the vertices, for the material's nodes.
        subdivision: Levels of Catmull-Clark subdivision.
        smooth_shading: Whether to hide the edges between faces.
    """
    used, corners = np.unique(faces, return_inverse=True)
    mesh = bpy.data.meshes.new("mesh")
    mesh.from_pydata(vertices[used].tolist(), [], corners.reshape(faces.shape).tolist())
    for name, values in (attributes or {}).items():
        kind, field = ("FLOAT_VECTOR", "vector") if values.ndim == 2 else ("FLOAT", "value")
        _fill(mesh.attributes.new(name, kind, "POINT"), field, values[used])
    mesh.polygons.foreach_set("use_smooth", [smooth_shading] * len(mesh.polygons))
    mesh.materials.append(material)
    new = link("mesh", mesh)
    if subdivision:
        new.modifiers.new("subdivision", "SUBSURF").render_levels = subdivision
    return new


def add_box(
    low: NDArray[np.float64] | list[float],
    high: NDArray[np.float64] | list[float],
    material: bpy.types.Material,
    bevel: float = 0.0,
) -> bpy.types.Object:
    """Add a box between two corners (3,), with edges rounded by `bevel` metres."""
    x, y, z = zip(low, high, strict=True)
    vertices = np.array([[x[i], y[j], z[k]] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    faces = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    box = add_mesh(vertices, faces, material, subdivision=0, smooth_shading=False)
    if bevel:
        modifier = box.modifiers.new("bevel", "BEVEL")
        modifier.width, modifier.segments = bevel, 3
    return box


def add_strands(strands: NDArray[np.float64], radius: float, material: bpy.types.Material) -> None:
    """Add N curves of K points (N, K, 3) that taper from `radius` to 0.35 of it."""
    count, points, _ = strands.shape
    curves = bpy.data.hair_curves.new("curves")
    curves.add_curves([points] * count)
    _fill(curves.attributes["position"], "vector", strands)
    radii = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    _fill(radii, "value", np.tile(np.linspace(1, 0.35, points) * radius, count))
    curves.materials.append(material)
    link("curves", curves)


def _fill(attribute: Any, field: str, values: NDArray[np.float64]) -> None:
    attribute.data.foreach_set(field, np.ascontiguousarray(values, np.float32).ravel())
