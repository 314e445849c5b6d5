"""The ledger: who works on which object version, and how it ended."""
