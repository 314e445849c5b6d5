"""Erasures of patients: asking for one, withdrawing it, and what came of it."""
