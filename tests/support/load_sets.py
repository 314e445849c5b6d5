"""Open training sets with the package `datasets`, offline."""

import gc
import warnings
from typing import Any


def load(*words: str, **named: Any) -> Any:
    """Call load_dataset without its warnings and without the network."""
    import datasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        is_offline, datasets.config.HF_DATASETS_OFFLINE = datasets.config.HF_DATASETS_OFFLINE, True
        try:
            found = datasets.load_dataset(*words, **named)
        finally:
            datasets.config.HF_DATASETS_OFFLINE = is_offline
        gc.collect()  # closes files that load_dataset leaves open
        return found
