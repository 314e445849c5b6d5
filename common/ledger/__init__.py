"""The ledger: who works on which object version, and what became of it."""
