"""Explicit-state search."""
