"""Train a small multi-label classifier on an exported training set and print its macro AUROC.

    dcm2set export chest --out chest --without-statement "trying it out"
    python examples/train_classifier.py chest

It fits one logistic regression per label on grey pictures of 64 x 64. This is not a good classifier, but it
shows the complete way from the hospital's files to a figure. The example doesn't import dcm2set and reads
only the exported folder.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIDE = 64


def main() -> int:
    """Train on train/ and measure on test/."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="an exported training set with its pictures")
    folder = parser.parse_args().folder
    missing = [name for name in ("train", "test") if not (folder / name / "metadata.csv").is_file()]
    if missing:
        print(f"{missing[0]}/metadata.csv is missing: not an export, or one without this split.")
        return 1
    train, test = (read_split(folder / name) for name in ("train", "test"))
    labels = [name for name in train.columns if name.startswith("label_")]
    learned = [name for name in labels if train[name].ge(0.5).nunique() == 2]
    if not learned:
        print("No label has images with and without it in train/.")
        return 1
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(C=0.01, max_iter=1000)))
    model.fit(pictures(folder / "train", train), train[learned].ge(0.5))
    scores = pd.DataFrame(model.predict_proba(pictures(folder / "test", test)), columns=learned)
    aurocs = {name: auroc(test[name], scores[name]) for name in learned}
    for name, value in aurocs.items():
        text = "only one class in test/" if value is None else f"{value:.3f}"
        print(f"{name.removeprefix('label_'):<30} AUROC {text}")
    known = [value for value in aurocs.values() if value is not None]
    if known:
        print(f"Macro AUROC over {len(known)} label(s): {np.mean(known):.3f}")
    return 0 if known else 1


def read_split(folder: Path) -> pd.DataFrame:
    """Read the metadata of a split. Training treats missing and uncertain labels as absent."""
    return pd.read_csv(folder / "metadata.csv")


def pictures(folder: Path, images: pd.DataFrame) -> np.ndarray:
    """Return one row of grey values from 0 to 1 per picture."""
    return np.stack([picture(folder / name) for name in images["file_name"]])


def picture(path: Path) -> np.ndarray:
    """Read an 8-bit or 16-bit picture as float32 (SIDE * SIDE,), 0 to 1."""
    with Image.open(path) as image:
        white = 65535 if image.mode.startswith("I") else 255
        small = image.convert("F").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small).ravel() / white


def auroc(labels: pd.Series, scores: pd.Series) -> float | None:
    """Return the AUROC over images with a certain label; None if all of them have the same label."""
    known = labels.ge(0).to_numpy()
    truth = labels[known].ge(0.5)
    return float(roc_auc_score(truth, scores[known])) if truth.nunique() == 2 else None


if __name__ == "__main__":
    sys.exit(main())
