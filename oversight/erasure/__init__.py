"""Erasures of patients: what is asked, what was found, and what is left."""
