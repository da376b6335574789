"""Mail: what makes it tracked, and the `email` activity it becomes."""
