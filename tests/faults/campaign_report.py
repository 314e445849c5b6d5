"""The report of one campaign."""

from dataclasses import dataclass, field

from tests.faults.oracle import Differences

SETTLE_SECONDS = 180  # the longest time that a campaign may need to settle after its last fault


@dataclass
class Report:
    """What one campaign found; `--json` writes these fields."""

    seed: int
    files: int
    faults: int
    left_out: list[str] = field(default_factory=list)  # faults that this machine cannot cause
    seconds_to_settle: float = 0  # after the last fault; more than SETTLE_SECONDS: not settled
    seconds: float = 0
    checkpoints: int = 0
    most_in_a_bucket: int = 0
    images: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    overfull: int = 0
    leaked: int = 0
    details: str = ""  # the differences in words

    @property
    def is_good(self) -> bool:
        """Whether there is no difference and everything settled in time."""
        differences = self.lost + self.doubled + self.wrong + self.overfull + self.leaked
        return differences == 0 and self.seconds_to_settle <= SETTLE_SECONDS

    def add(self, differences: Differences) -> None:
        """Add to the number of differences of each kind."""
        for name, found in vars(differences).items():
            setattr(self, name, getattr(self, name) + len(found))
        if differences.number:
            self.details = f"{self.details} | {differences}".strip(" |")
