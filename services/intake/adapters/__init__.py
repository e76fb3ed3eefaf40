"""Doors, tables and the vault."""
