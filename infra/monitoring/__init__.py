"""Monitoring with Prometheus: configuration, alert rules, a dashboard, a token for the metrics of MinIO."""
