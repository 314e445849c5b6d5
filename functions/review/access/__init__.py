"""Who may use the page: sessions, sign-in, roles, and the check of every request."""
