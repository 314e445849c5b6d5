"""The rules by which the sandbox prepares files, from the settings and the database's pseudonym spaces."""

from collections.abc import Sequence
from dataclasses import replace

from common.settings import Settings
from deidentification.pixels.device_rules import load_device_rules
from deidentification.profile import load_profile
from deidentification.pseudonym_space import Space, former_keys
from functions.extract.prepared_instance import Rules
from imaging.options import Limits, PictureRules


def preparation_rules(settings: Settings) -> Rules:
    """The rules from the settings; SettingsError if the pseudonym key is missing."""
    return Rules(
        pseudonym_key=bytes.fromhex(settings.required("pseudonym_key")),
        limits=Limits(settings.max_pixels_per_frame, settings.max_frames),
        pictures=PictureRules(settings.png_bits == 16, settings.windows),
        profile=load_profile(settings.deidentification_profile),
        hold_burned_in_text=settings.burned_in_text == "hold",
        devices=load_device_rules(settings.blanking_rules),
        former_keys=tuple(bytes.fromhex(key.get_secret_value()) for key in settings.former_pseudonym_keys),
    )


def with_known_keys(rules: Rules, spaces: Sequence[Space]) -> Rules:
    """The same rules with the keys of the database's earlier spaces only.

    Raises SettingsError if the database was made with another key.
    """
    return replace(rules, former_keys=former_keys(spaces, rules.pseudonym_key, rules.former_keys))
