"""Scripts that lie beside an artifact and need nothing of this program."""
