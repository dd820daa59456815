"""Decides: searches, solves, judges and reports; implements no cache behaviour."""
