"""How far annotators agree: published examples, groups, and the warning about the rule last."""

import numpy as np
import pytest

from infra.labelling.agreement_text import agreement_lines
from training_set.agreement.agreement import COHEN, KRIPPENDORFF, VOTES, Pattern, agreement, label_agreement
from training_set.agreement.rule_warning import rule_warning


def test_cohens_kappa() -> None:
    """Two annotators: a textbook example with 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no gives 0.4."""
    votes = [((1, 1), 20), ((1, 0), 5), ((0, 1), 10), ((0, 0), 15)]
    found = agreement([Pattern((1, 2), vote, images) for vote, images in votes])
    assert (COHEN, 50, 15) == (found.measure, found.images, found.differing)
    assert 0.4 == pytest.approx(found.kappa)


def test_cohens_kappa_is_that_of_scikit_learn() -> None:
    """With all three votes and numbers of images, both say the same."""
    from sklearn.metrics import cohen_kappa_score

    votes = [((1, 1), 20), ((1, 0), 5), ((0, -1), 10), ((0, 0), 15), ((-1, 1), 3), ((-1, -1), 7)]
    pairs, images = zip(*votes, strict=True)
    expected = cohen_kappa_score(*zip(*pairs, strict=True), sample_weight=images)
    found = agreement([Pattern((1, 2), vote, images) for vote, images in votes])
    assert expected == pytest.approx(found.kappa, abs=1e-12)


def test_krippendorffs_alpha() -> None:
    """Binary data of three annotators with missing readings, by hand: observed 4/9, expected 40/72."""
    readings = [((1, 2), (1, 1)), ((1, 3), (0, 0)), ((2, 3), (1, 0)), ((1, 2, 3), (1, 1, 0))]
    found = agreement([Pattern(who, votes, 1) for who, votes in readings])
    assert (KRIPPENDORFF, 4, 2) == (found.measure, found.images, found.differing)
    assert 1 - (4 / 9) / (40 / 72) == pytest.approx(found.kappa)


def test_a_published_example_of_alpha() -> None:
    """Krippendorff (2011), section B: two observers and ten binary values give 0.095.

    A third annotator who repeats none of the images makes no difference.
    """
    first, second = (0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0)
    pairs = list(zip(first, second, strict=True))
    who = [(1, 2)] * 9 + [(1, 3)]
    found = agreement([Pattern(pair, votes, 1) for pair, votes in zip(who, pairs, strict=True)])
    assert (KRIPPENDORFF, 10, 4) == (found.measure, found.images, found.differing)
    assert 0.095 == pytest.approx(found.kappa, abs=5e-4)


def test_alpha_is_fleiss_kappa_but_for_the_small_number() -> None:
    """With three readings of every image, 1 - alpha is (1 - kappa) (n - 1) / n over n readings."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    votes = [(1, 1, 1), (0, 0, 0), (1, 1, 0), (0, -1, 1), (-1, -1, 0)]
    kappa = fleiss_kappa(np.array([[each.count(vote) for vote in VOTES] for each in votes]))
    found = agreement([Pattern((1, 2, 3), each, 1) for each in votes])
    assert found.kappa is not None
    assert (1 - kappa) * 14 / 15 == pytest.approx(1 - found.kappa)


def test_images_of_three_readers_count() -> None:
    """29 images of two and 11 of three readers: one odd reading lowers the agreement over all 40 images."""
    patterns = [
        Pattern((1, 2), (1, 1), 10),
        Pattern((1, 2), (0, 0), 19),
        Pattern((1, 2, 3), (1, 1, 1), 5),
        Pattern((1, 2, 3), (0, 0, 0), 5),
        Pattern((1, 2, 3), (1, 1, 0), 1),
    ]
    found = label_agreement(patterns)
    assert (40, 1, (1, 2, 3)) == (found.overall.images, found.overall.differing, found.overall.annotators)
    assert found.overall.kappa is not None
    assert 0.9 < found.overall.kappa < 1
    assert [(COHEN, 29, 0), (KRIPPENDORFF, 11, 1)] == [
        (group.measure, group.images, group.differing) for group in found.groups
    ]
    assert found.groups[0].kappa == pytest.approx(1)
    assert found.groups[1].kappa == pytest.approx(1 - 2 / (33 - 1) * 32 * 32 / (2 * 16 * 17))


@pytest.mark.parametrize(
    ("patterns", "cause"),
    [([], "two annotators"), ([Pattern((1, 2), (1, 1), 3)], "can't be told from chance")],
)
def test_agreement_without_a_coefficient_has_its_cause(patterns: list[Pattern], cause: str) -> None:
    """Nobody or only equal votes: the cause stands instead of a number."""
    found = label_agreement(patterns).overall
    assert (None, None) == (found.measure, found.kappa)
    assert cause in str(found.cause)


def test_the_rule_last_is_warned_about() -> None:
    """Only the rule last, and only if several annotators read the same images, gives a warning."""
    found = agreement([Pattern((1, 2), (1, 0), 2), Pattern((1, 2), (1, 1), 1)])
    nobody = agreement([])
    assert "meets 3 label(s)" in str(rule_warning("last", [found, nobody]))
    assert "On 2 of them" in str(rule_warning("last", [found]))
    assert [None, None] == [rule_warning("majority", [found]), rule_warning("last", [nobody])]


def test_lines_for_a_terminal_are_limited() -> None:
    """Groups and differing images are listed up to a number; the rest is counted."""
    group = {
        "measure": COHEN,
        "kappa": 0.5,
        "images": 2,
        "differing": 1,
        "annotators": ["A", ""],
        "cause": None,
    }
    image = {"key": "k", "values": [["A", 1.0], ["", 0.0]]}
    found = group | {"groups": [group] * 12, "differing_images": [image] * 25, "differing": 25}
    lines = agreement_lines(found)
    assert "Cohen's kappa 0.500 over 2 image(s), 25 of them differ" == lines[0]
    assert "    A, (not named): Cohen's kappa 0.500 over 2 image(s), 1 of them differ" == lines[1]
    assert "    and 2 more group(s); --json lists them" in lines
    assert "    differs: k  A 1, (not named) 0" in lines
    assert "    and 5 more differing image(s); --json lists them" == lines[-1]
