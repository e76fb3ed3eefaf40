"""Decides which clocks stand and what has become true of them."""
