"""The audit: who looked at, decided and replayed what."""
