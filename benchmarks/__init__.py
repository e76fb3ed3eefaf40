"""Measurements on the embedded stack: they print tables, write build/bench and never fail the build."""
