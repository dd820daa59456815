"""Devices: the port that block managers are written against, and its backends, `sim` and `cuda`."""
