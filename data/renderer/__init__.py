"""Renders a synthetic "turtle neck" (forward head posture) photo set: no photo, no real person."""
