"""De-identification: profile, pseudonyms, the gate for burned-in text (PS3.15 Annex E)."""
