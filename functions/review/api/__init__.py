"""The numbers of the page as JSON, for dashboards and scripts."""
