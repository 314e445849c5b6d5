"""Dates and times that patients share, as of a calibration or an export: removed, not shifted.

Whoever knows the true date, or how one patient's dates are shifted, could otherwise compute the shift of
every patient whose files have it. Table E.1-1 of PS3.15 allows the removal of each of them.
"""

from functools import cache

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from deidentification.header.confidentiality_profile import attribute

_TIMES = frozenset(["DA", "DT", "TM"])
# Besides the times that the option Retain Device Identity names in the table. Archives change, sign and
# send the files of many patients on one day.
_SHARED = frozenset(
    """DateOfGainCalibration TimeOfGainCalibration SourceStrengthReferenceDate SourceStrengthReferenceTime
    ExpiryDate ExpirationDateTime ProductExpirationDateTime ItemInventoryDateTime
    ContextGroupVersion ContextGroupLocalVersion TemplateVersion TemplateLocalVersion
    EffectiveDateTime InformationIssueDateTime HangingProtocolCreationDateTime
    SelectorDAValue SelectorDTValue SelectorTMValue
    ProcedureCreationDate ProcedureExpirationDate ProcedureLastModifiedDate
    EthicsCommitteeApprovalEffectivenessStartDate EthicsCommitteeApprovalEffectivenessEndDate
    InstanceCoercionDateTime AttributeModificationDateTime ContributionDateTime DigitalSignatureDateTime
    SOPAuthorizationDateTime ModifiedImageDate ModifiedImageTime CreationDate CreationTime""".split()
)


@cache
def is_shared_date(tag: int) -> bool:
    """Whether an attribute is a date or time of a device, product, code or archive, not of a patient."""
    if not dictionary_has_tag(tag) or dictionary_VR(tag) not in _TIMES:
        return False
    row = attribute(tag)
    is_of_device = row is not None and "retain_device_identity" in row.options
    return is_of_device or dictionary_keyword(tag) in _SHARED
