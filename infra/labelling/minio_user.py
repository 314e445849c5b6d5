"""The object store's user for Label Studio: it reads the bucket labelling, and writes labels."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.store.object_key import ANNOTATIONS, LABELLING
from infra.local.home import Home
from infra.provision.private_text import write_private
from infra.provision.store.iam_users import AccessKey, IamApi
from infra.provision.store.minio_users import create_user, minio_admin
from infra.provision.store.store_setup import DENY_ADMIN

USER = "dcm2set-labelling"
LABELS_PREFIX = "label-studio/"  # of the keys of its labels in the bucket annotations


def labelling_keys_file(home: Home) -> Path:
    """The file with the user's keys, readable by its owner only."""
    return home.folder / "labelling.json"


def create_labelling_user(home: Home, endpoints: Mapping[str, Any]) -> None:
    """Create or update the user; its keys are created once and stored in the home.

    `endpoints` is the content of endpoints.json.
    """
    path = labelling_keys_file(home)
    keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    minio, iam = endpoints["minio"], endpoints["iam"]
    if iam is not None:
        api = IamApi(iam, AccessKey(minio["access_key"], minio["secret_key"]))
        api.ensure_user(USER, policy())
        if not keys or not api.has_key(USER, keys["access_key"]):
            write_private(path, asdict(api.new_key(USER)))
        return
    if not keys:
        keys = {"access_key": USER, "secret_key": secrets.token_urlsafe(30)}
        write_private(path, keys)
    rights = policy() | {"Statement": [*policy()["Statement"], DENY_ADMIN]}
    create_user(minio_admin(**minio), USER, keys["secret_key"], rights)


def policy() -> dict[str, Any]:
    """The right to read `labelling` and to write below `annotations/label-studio/`, and nothing else."""
    annotations = f"arn:aws:s3:::{ANNOTATIONS}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("s3:GetObject", f"arn:aws:s3:::{LABELLING}/*"),
            _allow("s3:ListBucket", f"arn:aws:s3:::{LABELLING}"),
            _allow("s3:PutObject", f"{annotations}/{LABELS_PREFIX}*"),
            _allow("s3:ListBucket", annotations)
            | {"Condition": {"StringLike": {"s3:prefix": [f"{LABELS_PREFIX}*"]}}},
        ],
    }


def _allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource]}
