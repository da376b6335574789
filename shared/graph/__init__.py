"""Graph: the client, notifications and subscriptions, and the items in a mailbox."""
