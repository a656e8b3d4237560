"""Attempts to get out of a box, made from inside a real one: each must fail."""
