"""Which of several trained networks is really better: runs from folders or W&B, tested against each other on the same photos."""
