"""Ledger, tables and object store compared with each other."""
