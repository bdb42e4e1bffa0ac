"""Review: photos that are probably wrong, one after the other, and what somebody decides of them."""

from posture_classifier.app.review.routes import routes

__all__ = ["routes"]
