"""The steps that set up a database; each may be repeated without harm."""

from common.settings import Settings
from infra.provision.pseudonym_space import Keys, enter_space
from infra.provision.roles import create_roles
from infra.provision.schema import migrate, set_label_rule


def set_up_database(
    url: str,
    settings: Settings,
    *,
    keys: Keys,
    passwords: dict[str, str] | None,
    new_space: str | None = None,
    who: str,
) -> list[str]:
    """Bring a database to this version's schema and rights; returns the migrations that were applied.

    `passwords` are those of the functions' roles; None if the user may not create roles.
    """
    applied = migrate(url)
    enter_space(url, keys, new_space=new_space, who=who)
    set_label_rule(url, settings.label_rule, settings.label_uncertain)
    if passwords is not None:
        create_roles(url, passwords)
    return applied
