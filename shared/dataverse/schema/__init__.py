"""Tether's tables, views, charts and roles in Dynamics: as data, as a difference, as calls."""
