"""Review: photos that are probably wrong, and what somebody decides about them."""

from posture_classifier.app.review.routes import routes

__all__ = ["routes"]
