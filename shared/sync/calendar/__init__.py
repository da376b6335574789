"""Meetings: what makes them tracked, and the `appointment` activities they become."""
