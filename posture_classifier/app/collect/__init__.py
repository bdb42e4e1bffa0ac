"""Collect: photos from a webcam or a phone, by class, person and session."""

from posture_classifier.app.collect.routes import routes

__all__ = ["routes"]
