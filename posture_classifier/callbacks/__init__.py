"""Callbacks, one file each; importing this package imports them all, so YAML can name any as ``callbacks.Name``."""
