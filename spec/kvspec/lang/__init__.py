"""The spec language: surface, tracer, IR, and its concrete reading."""
