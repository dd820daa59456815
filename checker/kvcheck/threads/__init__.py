"""Runs of the manager that threads share, under schedules, and what each kind of check sees."""
