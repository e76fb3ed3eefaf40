"""What a hotline's record says, in our words: pure functions, no clock, no I/O."""
