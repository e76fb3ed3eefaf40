"""Decides: pure functions of (state, command, now, policy); no await, no clock, no logger."""
