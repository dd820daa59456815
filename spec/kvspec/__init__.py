"""The truth about KV-cache block managers: the language, the designs and their known bugs."""
