"""Finds out why an item is or is not in Dynamics: which is meant, how it stands, what waits."""
