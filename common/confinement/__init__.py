"""Confines a process for good: Linux then refuses it files, sockets, other processes and programs."""
