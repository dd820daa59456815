"""Long random runs of a manager under its judge: drawn, steered, kept, shrunk and replayed."""
