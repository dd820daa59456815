"""Run records and their formats."""
