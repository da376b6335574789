"""Contacts: which are tracked, and the `contact` rows they become."""
