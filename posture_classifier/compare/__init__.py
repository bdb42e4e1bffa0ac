"""Which of several trained networks is really better: tests of runs on the same photos."""
