"""Patches that each break one rule of delivery, and the command that tries them."""
