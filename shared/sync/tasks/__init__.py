"""Tasks: what makes them tracked, and the `task` activities they become."""
