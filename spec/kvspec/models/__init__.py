"""Our designs, one machine a file."""
