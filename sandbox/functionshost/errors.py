"""What keeps the host from starting."""


class StartError(Exception):
    """The app or its configuration is wrong; the text is one sentence for a person."""
