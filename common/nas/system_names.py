"""Names of files and folders that operating systems, NAS, viewers on CDs and uploads make for themselves.

Recycle bins and snapshots hold files that users deleted: they are never copied, and never renamed.
"""

import re

_RECYCLE_BINS = (
    "#recycle",  # Synology, Netgear
    *("@recycle", "@sharebin", ".recycle", "trashbox"),  # QNAP, Synology, Samba's vfs_recycle, Buffalo
    *("$recycle.bin", "recycler", "recycled"),  # Windows
    *(".trash", ".trashes", "network trash folder"),  # freedesktop.org, macOS, AFP
)
_SNAPSHOTS = (
    *("#snapshot", "@sharesnap", "@recently-snapshot"),  # Synology, QNAP
    *(".snapshot", ".snapshots", "~snapshot", ".zfs"),  # NetApp, snapper, Windows' view of NetApp, ZFS
)
_SYSTEM = (
    *("@eadir", "@tmp", ".@__thumb", ".@__qini", ".@upload_cache", ".streams"),  # Synology, QNAP
    *("system volume information", "lost+found", "desktop.ini", "autorun.inf"),
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db"),
    *(".ds_store", ".appledouble", ".appledb", ".appledesktop", ".apdisk", ".volumeicon.icns"),
    *(".spotlight-v100", ".fseventsd", ".temporaryitems", ".documentrevisions-v100"),
)
_NAMES = frozenset([*_RECYCLE_BINS, *_SNAPSHOTS, *_SYSTEM])
# Names with a part that differs: the text for causes, and the form in lower case.
_FORMS = {
    ".Trash-…": re.compile(r"\.trash-\d+"),  # of one user, freedesktop.org
    ".nfs…": re.compile(r"\.nfs[0-9a-f]{8,}"),  # a deleted file that is still open on an NFS client
    ".smbdelete…": re.compile(r"\.smbdelete.*", re.DOTALL),  # the same on an SMB client
    ".fuse_hidden…": re.compile(r"\.fuse_hidden[0-9a-f]+"),
}
# Programs and pages of viewers on patient CDs. No DICOM file has such a name.
_VIEWER = re.compile(
    r".*\.(exe|dll|ocx|msi|bat|cmd|sys|drv|cab|chm|hlp|lnk|inf|ini|ico|jar|class|manifest|cpl|html?|css|js)",
    re.DOTALL,
)
# Browsers, WinSCP, rclone, Nextcloud, Syncthing, Resilio, Cyberduck, aria2.
_PARTIAL = re.compile(
    r".*\.(tmp|temp|part|partial|filepart|crdownload|opdownload|download|uploading|incomplete"
    r"|cyberduckpart|duckpart|aria2|!sync)",
    re.IGNORECASE | re.DOTALL,
)
# rsync: a dot, the name, and six random characters. Six digits are more likely a number in the name.
_RSYNC = re.compile(r"\..+\.(?!\d{6})[A-Za-z0-9]{6}", re.DOTALL)


def is_system_name(name: str) -> bool:
    """Whether files and folders of this name belong to an operating system or a NAS."""
    return system_name(name) is not None


def system_name(name: str) -> str | None:
    """What to call a name of an operating system or NAS in a cause; None for other names."""
    lower = name.lower()
    if lower in _NAMES:
        return name
    return next((shown for shown, form in _FORMS.items() if form.fullmatch(lower)), None)


def is_viewer_file(name: str) -> bool:
    """Whether a file of this name is part of a viewer, as on patient CDs."""
    return _VIEWER.fullmatch(name.lower()) is not None


def is_partial_upload(name: str) -> bool:
    """Whether a file of this name is the beginning of a file that is being written.

    Programs give such a file its real name when it is complete.
    """
    return _PARTIAL.fullmatch(name) is not None or _RSYNC.fullmatch(name) is not None
