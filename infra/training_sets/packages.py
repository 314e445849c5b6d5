"""The optional packages that training sets need."""

from importlib.util import find_spec

from common.errors import SettingsError

_PACKAGES = ("matplotlib", "pyarrow", "scipy", "sqlglot")


def check_packages() -> None:
    """Raise SettingsError if one is missing; an installation for the functions alone has none of them."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"Not installed: {', '.join(missing)}. To install: pip install 'dcm2set[training-sets]'; "
            "in containers: use the image dcm2set-operator."
        )
