"""Who may call whom: tokens, and the endpoint a managed identity gets them from."""
