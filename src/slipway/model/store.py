"""Bundles of a project, each under its own SHA-256: put once, opened verified."""

import shutil
from pathlib import Path

from slipway.errors import BundleError
from slipway.files import Draft
from slipway.model.bundle import Bundle, open_bundle


class BundleStore:
    """A folder of bundles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, folder: Path) -> str:
        """Take a bundle in; its SHA-256. The folder given stays where it is. One that is there already stays as it is.

        Raises:
            BundleError: it is damaged.
        """
        bundle = open_bundle(folder)
        path = self.path(bundle.sha256)
        if path.exists():
            return bundle.sha256
        # Nobody sees a bundle half copied, and what the ledger will refer to is on disk before it does.
        with Draft(path, is_durable=True) as draft:
            shutil.copytree(folder, draft.path)
            if not path.exists():  # else another process put the same one meanwhile
                draft.commit()
        return bundle.sha256

    def path(self, sha256: str) -> Path:
        """Where the bundle of that SHA-256 is, or would be."""
        return self._folder / sha256

    def open(self, sha256: str) -> Bundle:
        """The bundle, verified.

        Raises:
            BundleError: it is not here, or damaged.
        """
        if not self.path(sha256).is_dir():
            raise BundleError(f"bundle {sha256[:12]} is not in {self._folder}: copy it there, or train again.")
        return open_bundle(self.path(sha256), sha256)
