"""Connections, sessions, links and the nodes they lead to."""
