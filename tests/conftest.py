"""Puts `tests` on the path, so that the toy machines can be imported as `toys.<name>`."""
