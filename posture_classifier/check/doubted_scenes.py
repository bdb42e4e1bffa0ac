"""Scenes that ``data.group_by cluster`` would make, and that may be several."""

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding
from posture_classifier.data.scan.scene_groups import describe_doubts, doubted_scenes


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report them where nothing else names groups, so that somebody looks before they are used."""
    photos = folder.photos
    if photos.grouped or photos.splits[0] or len(np.unique(folder.scenes)) == len(photos):
        return []
    doubted = doubted_scenes(photos, folder.scenes)
    if not doubted:
        return []
    values = {"scenes": len(doubted), "largest": len(doubted[0].members), "photos": sum(len(scene.members) for scene in doubted)}
    paths = [photos.paths[scene.members].tolist() for scene in doubted]
    captions = [" and ".join(scene.classes) for scene in doubted]
    return [Finding("doubted_scenes", "note", describe_doubts(photos, doubted), paths, captions, values)]
