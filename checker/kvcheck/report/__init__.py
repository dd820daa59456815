"""Run records and results as text, markdown and pages."""
