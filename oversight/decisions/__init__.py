"""Decisions of persons: release, refuse, replay, and other verdicts."""
