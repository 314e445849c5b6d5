"""The rooms of the tree: what each may import, and which files lie at the roots."""

PACKAGES = (
    "common",
    "deidentification",
    "functions",
    "imaging",
    "infra",
    "model",
    "oversight",
    "training_set",
)
COMMON = {
    "common", "common.http", "common.labels", "common.ledger", "common.nas", "common.process",
    "common.reconcile", "common.stage", "common.store",
}  # fmt: skip
IMAGING = {"imaging", "imaging.dataset", "imaging.frames", "imaging.png", "imaging.rendering"}
DEIDENTIFICATION = {
    "deidentification", "deidentification.header", "deidentification.pixels",
    "deidentification.pixels.text_search",
}  # fmt: skip
MODEL = {"model", "model.features"}
SETS = {
    "training_set", "training_set.agreement", "training_set.card", "training_set.formats",
    "training_set.selection",
    "training_set.splits", "training_set.versions",
}  # fmt: skip
OVERSIGHT = {
    "oversight.accounts", "oversight.audit", "oversight.decisions", "oversight.drift",
    "oversight.erasure", "oversight.held_pictures", "oversight.trace",
    "oversight.labels",
}  # fmt: skip
FUNCTION = {"common", "common.http", "common.ledger", "common.process", "common.stage", "common.store"}
COMMAND = {"common", "common.store", "infra", "infra.local", "infra.provision"}

# A room may import itself, its parent's other rooms only where they are named, and these modules.
ALLOWED: dict[str, set[str]] = {
    "imaging": set(),
    "imaging.dataset": {"common.errors"},
    "imaging.frames": {"common.errors", "imaging", "imaging.dataset"},
    "imaging.rendering": {"common.errors", "imaging", "imaging.dataset", "imaging.frames"},
    "imaging.png": {"common.errors", "imaging.rendering"},
    "deidentification": {"common.errors", "common.toml_file", "imaging.dataset"},
    "deidentification.header": {"common.errors", "deidentification", "imaging.dataset"},
    "deidentification.pixels": {
        "common.errors", "common.toml_file", "deidentification", "deidentification.pixels.streams",
        "deidentification.pixels.text_search", "imaging", "imaging.dataset", "imaging.frames",
    },
    "deidentification.pixels.streams": {"common.errors", "imaging.dataset", "imaging.frames"},
    "deidentification.pixels.text": set(),
    "deidentification.pixels.text_search": {
        "common.errors", "common.toml_file", "deidentification", "deidentification.pixels.text",
        "imaging.frames",
    },
    "common": {"common.http", "common.ledger", "common.stage", "common.store"},
    "common.store": {"common"},
    "common.ledger": {"common", "common.store"},
    "common.process": {"common"},
    "common.confinement": set(),
    "common.labels": {"common"},
    "common.reconcile": {"common", "common.store"},
    "common.stage": {"common", "common.ledger", "common.process", "common.store"},
    "common.http": {"common", "common.process", "common.stage", "common.store"},
    "common.nas": {"common"},
    "model": {"common.errors", "model.features"},
    "model.features": set(),
    "model.training": {"model.training.degradation", "model.training.sources", *MODEL},
    "model.training.degradation": {"model.features"},
    "model.training.sources": {
        "common.errors", "imaging", "imaging.frames", "imaging.rendering", "model.features",
    },
    "model.text_detector": {
        "common.errors", "deidentification.pixels.text", "imaging.frames", "model.text_detector.fonts",
        "model.training.sources",
    },
    "model.text_detector.fonts": {"deidentification.pixels.text", "model.training.sources"},
    "training_set": set(),
    "training_set.selection": {"common", "common.store"},
    "training_set.splits": {"common", "training_set.selection"},
    "training_set.formats": {"common", "training_set.selection"},
    "training_set.agreement": {"common"},
    "training_set.card": {"common", "training_set.agreement", "training_set.selection"},
    "training_set.versions": {
        "common", "common.store", "training_set.agreement", "training_set.card", "training_set.formats",
        "training_set.selection", "training_set.splits",
    },
    "training_set.export": {"common", "common.store", *SETS},
    "training_set.publish": {"common", "common.store", "training_set.export", *SETS},
    "oversight": set(),
    "oversight.accounts": {"common"},
    "oversight.audit": {"common"},
    "oversight.decisions": {"common", "common.ledger", "common.store", "model", "oversight.audit"},
    "oversight.drift": {"common", "model"},
    "oversight.erasure": {"common", "oversight.audit"},
    "oversight.held_pictures": {
        "common", "common.confinement", "common.process", "deidentification", "deidentification.pixels",
        "imaging", "imaging.dataset", "imaging.frames", "imaging.rendering",
    },
    "oversight.labels": {"common", "training_set.agreement"},
    "oversight.trace": {"common", "common.store"},
    "functions": set(),
    "functions.poll_nas": {*FUNCTION, "common.nas"},
    "functions.extract": {*FUNCTION, *IMAGING, *DEIDENTIFICATION, "common.confinement"},
    "functions.store_metadata": FUNCTION,
    "functions.quality": {*FUNCTION, *MODEL, "imaging.png"},
    "functions.annotations": {*FUNCTION, "common.labels", "deidentification", "deidentification.header"},
    "functions.review": {
        "common", "common.http", "common.process", "functions.review.access", "functions.review.api",
        "functions.review.audit", "functions.review.erasures", "functions.review.files",
        "functions.review.folders",
        "functions.review.held",
        "functions.review.images", "functions.review.items", "functions.review.labels",
        "functions.review.overview", "functions.review.pictures", "functions.review.quality",
        "functions.review.quarantine", "functions.review.sets", "functions.review.settings", *OVERSIGHT,
    },
    "functions.review.images": {"common", "common.store", "functions.review.access"},
    "functions.review.quality": {"common", "functions.review.access", "model", *OVERSIGHT},
    "functions.review.pictures": {
        "common", "common.process", "common.store", "imaging.png", "oversight.held_pictures",
    },
    "functions.review.access": {
        "common", "common.store", "functions.review.pictures", "oversight.accounts", "oversight.audit",
    },
    "functions.review.audit": {"common", "functions.review.access", "oversight.audit"},
    "functions.review.erasures": {"common", "functions.review.access", "oversight.erasure"},
    "functions.review.files": {"common", "functions.review.access"},
    "functions.review.folders": {"common", "functions.review.access"},
    "functions.review.items": {
        "common", "common.store", "functions.review.access", "oversight.erasure", "oversight.trace",
    },
    "functions.review.quarantine": {
        "common", "common.store", "functions.review.access", "oversight.decisions",
    },
    "functions.review.overview": {"common", "functions.review.access", "functions.review.files", *OVERSIGHT},
    "functions.review.held": {
        "common", "common.ledger", "common.store", "functions.review.access",
        "functions.review.pictures", *OVERSIGHT,
    },
    "functions.review.labels": {"common", "common.process", "functions.review.access", *OVERSIGHT},
    "functions.review.sets": {"common", "common.store", "functions.review.access", "training_set.versions"},
    "functions.review.settings": {"common", "functions.review.access"},
    "functions.review.api": {
        "common", "common.process", "functions.review.access", "functions.review.overview",
        "functions.review.sets",
    },
    "functions.sweep": {*FUNCTION, "common.reconcile"},
    "infra": {
        *COMMAND, "infra.backup", "infra.compose", "infra.demo", "infra.erasure", "infra.health",
        "infra.items", "infra.labelling", "infra.monitoring", "infra.nas", "infra.page", "infra.patients",
        "infra.provision.existing", "infra.quality", "infra.reconcile", "infra.training_sets",
        "oversight.decisions",
    },
    "infra.provision": {"common", "common.process", "common.store", "deidentification"},
    "infra.provision.existing": {"common", "common.store", "infra.provision"},
    "infra.erasure": {
        "common", "common.labels", "common.process", "common.store", "infra.provision", "oversight.audit",
        "oversight.erasure",
    },
    "infra.page": {"common", "infra", "infra.local", "oversight.accounts", "oversight.audit"},
    "infra.image": {"common", "infra.provision"},
    "infra.compose": {"common", "infra", "infra.provision"},
    "infra.local": {
        "common", "common.http", "common.process", "common.store", "deidentification", "infra",
        "infra.erasure", "infra.provision", "oversight.accounts",
    },
    "infra.backup": {*COMMAND, "common.process", "common.reconcile", "deidentification"},
    "infra.health": {
        *COMMAND, "common.confinement", "common.nas", "deidentification.pixels.text_search",
        "oversight.drift", "model",
        "infra.quality.drift", "oversight.accounts",
    },
    "infra.items": {
        *COMMAND, *OVERSIGHT, "common.ledger", "common.process", "deidentification", "infra.erasure",
        "infra.labelling",
    },
    "infra.monitoring": {"infra", "infra.local"},
    "infra.nas": {*COMMAND, "common.nas", "infra.health"},
    "infra.patients": {*COMMAND, "common.process", "deidentification", "infra.erasure", "oversight.erasure"},
    "infra.quality": {
        *COMMAND, "imaging.png", "oversight.drift", "model.training", "model.training.sources",
        "oversight.decisions", *MODEL,
    },
    "infra.reconcile": {*COMMAND, "common.reconcile", "infra.backup", "infra.items", "oversight.decisions"},
    "infra.training_sets": {*COMMAND, "common.labels", "training_set.export", "training_set.publish", *SETS},
    "infra.labelling": {*COMMAND, "common.labels", "infra.training_sets", *OVERSIGHT, *SETS},
    "infra.demo": {*COMMAND, "common.process", "infra.health", "oversight.accounts"},
}  # fmt: skip

# What every room needs lies at a root; everything else has a room of its own.
ROOT_FILES = {
    "common": {
        "__init__.py", "complete_responses.py", "database.py", "errors.py", "metadata_document.py",
        "nas_settings.py", "page_settings.py", "secret_files.py", "settings.py", "tls.py", "tokens.py",
        "toml_file.py", "wiring.py",
    },
    "infra": {"__init__.py", "cli.py", "command_options.py"},
}  # fmt: skip
