"""The six services, each a process of its own."""
