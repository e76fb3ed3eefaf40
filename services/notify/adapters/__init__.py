"""Keeps the promises of ports.py: the ledger in PostgreSQL, the providers over HTTP, the doors."""
