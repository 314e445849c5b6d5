"""The error for a code stream that can't be proven to hold nothing but a picture."""


class UncleanStreamError(Exception):
    """The stream can't be written anew by its parts; its frames are written decoded instead."""
