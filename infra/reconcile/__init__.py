"""The command reconcile."""
