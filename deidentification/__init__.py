"""De-identification (PS3.15 Annex E): profile, pseudonyms, header elements, pixel data."""
