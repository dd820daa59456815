"""Proof and bounded checking with Z3."""
