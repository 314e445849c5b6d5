"""De-identification: pseudonyms, the allow-list, the gate for burned-in text (PS3.15 Annex E)."""

PROFILE = "allow-list-1"
