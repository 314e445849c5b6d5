"""Train a small multi-label classifier on an exported training set, and tell its macro AUROC.

    dcm2set export chest --out chest
    python examples/train_classifier.py chest

One logistic regression for each label on pictures of 64 x 64 greys: no good classifier, but the whole way
from the hospital's files to a figure. Nothing here knows dcm2set; the folder is all it reads.
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
    """Train on train/, measure on test/."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="an exported training set with its pictures")
    folder = parser.parse_args().folder
    missing = [name for name in ("train", "test") if not (folder / name / "metadata.csv").is_file()]
    if missing:
        print(f"{missing[0]}/metadata.csv is missing: no export with pictures, or one without that split.")
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
        told = "one class only in test/" if value is None else f"{value:.3f}"
        print(f"{name.removeprefix('label_'):<30} AUROC {told}")
    known = [value for value in aurocs.values() if value is not None]
    if known:
        print(f"Macro AUROC over {len(known)} label(s): {np.mean(known):.3f}")
    return 0 if known else 1


def read_split(folder: Path) -> pd.DataFrame:
    """What is known of a split's images. Missing and uncertain labels count as absent in training."""
    return pd.read_csv(folder / "metadata.csv")


def pictures(folder: Path, images: pd.DataFrame) -> np.ndarray:
    """Every picture as a row of greys from 0 to 1."""
    return np.stack([picture(folder / name) for name in images["file_name"]])


def picture(path: Path) -> np.ndarray:
    """One picture of 8 or 16 bits as float32 (SIDE * SIDE,), 0 to 1."""
    with Image.open(path) as image:
        white = 65535 if image.mode.startswith("I") else 255
        small = image.convert("F").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small).ravel() / white


def auroc(said: pd.Series, scores: pd.Series) -> float | None:
    """Over the images of which the label says yes or no; None if all of them say the same."""
    known = said.ge(0).to_numpy()
    truth = said[known].ge(0.5)
    return float(roc_auc_score(truth, scores[known])) if truth.nunique() == 2 else None


if __name__ == "__main__":
    sys.exit(main())
