"""A KV-cache block manager one would ship, the device it runs on, and its known bugs."""
