"""The rules by which sandbox processes draw in the tests."""

from deidentification.profile import Profile
from functions.extract.prepared_instance import Rules
from imaging.options import Limits, PictureRules

RULES = Rules(bytes(range(32)), Limits(), PictureRules(), Profile(), hold_burned_in_text=True)
