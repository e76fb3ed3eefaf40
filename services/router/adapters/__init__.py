"""Keeps the promises of ports.py: PostgreSQL and HTTP."""
