"""A KV-cache block manager one would ship; empty until its issue is built."""
