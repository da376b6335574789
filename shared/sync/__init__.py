"""Reconcile: read both sides, decide, write what makes them agree."""
