"""Dates that patients share: a date of a device, a code or a product never leaves shifted."""

from datetime import date

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deidentification.header.attribute_plan import plan_for
from deidentification.header.confidentiality_profile import attributes
from deidentification.profile import Profile
from tests.support.factories import PSEUDONYMS
from tests.unit.deidentification.header.cleaned import cleaned

DEVICE_DATES = """DateOfLastCalibration TimeOfLastCalibration DateTimeOfLastCalibration CalibrationDateTime
    CalibrationDate DateOfManufacture DateOfInstallation DateOfLastDetectorCalibration
    TimeOfLastDetectorCalibration DateOfGainCalibration SourceStrengthReferenceDate""".split()
OTHER_SHARED_DATES = """ContextGroupVersion ContextGroupLocalVersion ProductExpirationDateTime ExpiryDate
    EthicsCommitteeApprovalEffectivenessStartDate HangingProtocolCreationDateTime TemplateVersion
    InstanceCoercionDateTime AttributeModificationDateTime ContributionDateTime DigitalSignatureDateTime
    SOPAuthorizationDateTime ModifiedImageDate CreationDate""".split()
PATIENTS = """StudyDate SeriesDate AcquisitionDate ContentDate AcquisitionDateTime InstanceCreationDate
    PerformedProcedureStepStartDate RadiopharmaceuticalStartDateTime DateOfSecondaryCapture
    AdmittingDate""".split()
VALUES = {"DA": "20190823", "DT": "20190823101500", "TM": "101500"}


def with_date(keyword: str) -> Dataset:
    ds = Dataset()
    ds.Modality, ds.PatientID, ds.StudyDate = "PT", "1", "20200101"
    setattr(ds, keyword, VALUES[dictionary_VR(keyword)])
    return ds


def texts_of(ds: Dataset, keyword: str) -> str:
    return str(ds.get(keyword) or "")


@pytest.mark.parametrize("keyword", DEVICE_DATES + OTHER_SHARED_DATES)
@pytest.mark.parametrize(
    "profile", [Profile(), Profile(retain_device_identity=True)], ids=["default", "device"]
)
def test_dates_that_patients_share_are_removed(keyword: str, profile: Profile) -> None:
    """Neither the date nor a shifted one is left, also if the device's identity is retained."""
    assert "" == texts_of(cleaned(with_date(keyword), profile=profile), keyword)


@pytest.mark.parametrize("keyword", PATIENTS)
def test_dates_of_the_patient_stay_shifted(keyword: str) -> None:
    """The dates of examinations are shifted and not removed."""
    kept = texts_of(cleaned(with_date(keyword)), keyword)
    assert kept[:8].isdigit()
    assert kept[:8] != "20190823"


def test_every_date_that_the_table_gives_to_the_device_is_removed() -> None:
    """The attributes follow the table: a date or time that Retain Device Identity names never stays."""
    named = [row for row in attributes() if "retain_device_identity" in row.options and "x" not in row.tag]
    tags = [int(row.tag, 16) for row in named if row.tag != "ggggeeee"]
    plans = [plan_for(tag, Profile(retain_device_identity=True).options) for tag in tags]
    dates = {plan.keyword: plan.action for plan in plans if plan.vr in VALUES}
    assert set(DEVICE_DATES[:9]) <= dates.keys()
    assert {"remove", "empty", "dummy"} >= set(dates.values())


def test_one_known_patient_does_not_unlock_the_device() -> None:
    """The attack: the shift of one patient gave the device's true date, and so every other shift."""
    ds = with_date("DateOfLastDetectorCalibration")
    shift = PSEUDONYMS.shifted(date(2019, 8, 23), "P1")
    assert f"{shift:%Y%m%d}" not in str(cleaned(ds))


def test_versions_of_public_code_tables_do_not_reveal_the_shift() -> None:
    """The attack: PS3.16 prints the true version of a context group, so shifted it was the shift itself."""
    ds, item = with_date("StudyDate"), Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "R-10242", "SRT", "cranio-caudal"
    item.ContextIdentifier, item.ContextGroupVersion = "4014", "20020904"
    ds.ViewCodeSequence = Sequence([item])
    (kept,) = cleaned(ds).ViewCodeSequence
    assert "R-10242" == kept.CodeValue
    assert not kept.get("ContextGroupVersion")


def test_tags_of_the_tests_exist() -> None:
    """Every keyword is in pydicom's dictionary, so that no case passes because it was misspelt."""
    assert all(tag_for_keyword(name) for name in DEVICE_DATES + OTHER_SHARED_DATES + PATIENTS)
