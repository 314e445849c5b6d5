"""The object store's user for annotators' software: it sees what is to be labelled, and hands in labels."""

import json
import secrets
from pathlib import Path
from typing import Any

from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

from common.store.object_key import ANNOTATIONS, LABELLING
from infra.local.home import Home, write_private

USER = "dcm2set-labelling"
HANDED_IN = "label-studio/"  # what the keys of its labels begin with, in the bucket annotations


def labelling_keys_file(home: Home) -> Path:
    """Where the user's keys lie, for the owner's eyes only."""
    return home.folder / "labelling.json"


def labelling_keys(home: Home, minio: dict[str, Any]) -> dict[str, str]:
    """Access and secret key of the user, which is made at first use and kept in the home.

    `minio` is the operator's part of endpoints.json.
    """
    path = labelling_keys_file(home)
    if not path.exists():
        write_private(path, {"access_key": USER, "secret_key": secrets.token_urlsafe(30)})
    keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    operator = StaticProvider(minio["access_key"], minio["secret_key"])
    admin = MinioAdmin(
        endpoint=minio["endpoint"], credentials=operator, secure=minio["secure"], region="us-east-1"
    )
    admin.policy_add(USER, policy=policy())
    admin.user_add(USER, keys["secret_key"])
    admin.policy_set(USER, user=USER)
    return keys


def policy() -> dict[str, Any]:
    """Read `labelling`, write below `annotations/label-studio/`; nothing else."""
    handed_in = f"arn:aws:s3:::{ANNOTATIONS}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("s3:GetObject", f"arn:aws:s3:::{LABELLING}/*"),
            _allow("s3:ListBucket", f"arn:aws:s3:::{LABELLING}"),
            _allow("s3:PutObject", f"{handed_in}/{HANDED_IN}*"),
            _allow("s3:ListBucket", handed_in)
            | {"Condition": {"StringLike": {"s3:prefix": [f"{HANDED_IN}*"]}}},
            {"Effect": "Deny", "Action": ["admin:*"]},
        ],
    }


def _allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource]}
