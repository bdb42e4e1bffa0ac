"""Run folders on the disk: their names, their files, and reading them back."""
