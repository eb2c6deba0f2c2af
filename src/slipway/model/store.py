"""Bundles of a project, each under its own SHA-256: put once, opened verified."""

import os
import shutil
from pathlib import Path
from uuid import uuid4

from slipway.errors import BundleError
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
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".aside-{os.getpid()}-{uuid4().hex}"
        try:
            # Nobody sees a bundle half copied: it is renamed once it is whole.
            shutil.copytree(folder, aside)
            aside.rename(path)
        except FileExistsError:
            pass
        except OSError:
            if not path.exists():  # else another process put the same one
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
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
