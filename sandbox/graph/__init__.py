"""Microsoft Graph v1.0 for Outlook mail, as far as a program that follows mailboxes needs it."""

from sandbox.graph.server import Graph

__all__ = ["Graph"]
