"""What is played, decided from a seed: pure, never reads a clock."""
