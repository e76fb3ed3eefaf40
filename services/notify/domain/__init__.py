"""Decides who is told what, and when a channel is given up; pure."""
