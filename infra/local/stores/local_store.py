"""What the local runner needs to know of an object store that it starts."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from infra.local.stores.go_program import GoProgram
from infra.local.supervisor import Program
from infra.provision.store.iam_users import AccessKey

if TYPE_CHECKING:
    from infra.local.programs import Plan

Keys = Mapping[str, AccessKey]  # by function


class LocalStore(Protocol):
    """One kind of object store."""

    name: str  # in settings, and of its process and folder in the home
    program: GoProgram
    sends_notifications: bool

    def function_keys(self, plan: "Plan") -> Keys:
        """The keys of each function's user, before the store is started."""

    def processes(self, plan: "Plan") -> list[Program]:
        """Its processes."""

    def is_ready(self, plan: "Plan", answers: Callable[[str], bool]) -> bool:
        """Whether it takes requests; `answers` says whether an URL answers with 200."""

    def has_users(self, plan: "Plan") -> bool:
        """Create the functions' users if it needs to run for that; False while it is still loading."""

    def iam_url(self, plan: "Plan") -> str | None:
        """The URL of its IAM API; None if it has another way to create users."""
