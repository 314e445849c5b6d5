"""Collect training pictures from packages and from a site's folders."""
