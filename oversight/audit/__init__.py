"""The audit: who looked at, decided, replayed or erased what, and when."""
