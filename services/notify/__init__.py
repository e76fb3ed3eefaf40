"""Tells units, leaders and departments: several channels at once, with proof."""
