"""A local host for Azure Functions Python apps, driving the genuine worker library."""
