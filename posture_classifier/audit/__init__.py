"""How good the predictions of any program are: ``audit``."""
