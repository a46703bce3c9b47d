"""How far an index may reach: which of its hrefs are opened when its pixels are asked for over the network.

An index is a file that somebody made, so its hrefs are foreign input. Three rules, all of which must hold:

1. An href is an http(s) address on a host of ``SWATH_ALLOWED_HOSTS``, ``s3://``, ``dataset:NAME:FOLDER``, or the path
   of a file. GDAL's virtual paths, other schemes and ``kind+...`` are refused.
2. What lies on this machine or in a bucket must lie below a root, symbolic links followed. Roots are
   ``SWATH_ARCHIVE_ROOTS`` where that is set, and the files that a STAC item names are then held to them as well; else
   they are the folders of the scenes in the index's ledger. Whoever wrote the ledger chose those: set the roots for an
   index that came from somebody else.
3. Whatever is opened goes through ``indexer._gdal``: four drivers, none of which can name a further file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from core import Scene, SceneError, Settings
from indexer._gdal import local_path
from indexer._hosts import check_host, is_url
from indexer.sources._dataset import SCHEME, split_view
from indexer.sources._names import split_item


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The roots of an index."""

    folders: frozenset[Path]
    """Real paths of folders."""
    buckets: frozenset[str]
    """``s3://bucket/prefix/``."""
    given: bool
    """Whether the operator named them, so that they bind the files of a STAC item, too."""
    settings: Settings
    """Allowed hosts."""

    @classmethod
    def of(cls, hrefs: Iterable[str], settings: Settings) -> Self:
        """Return the reach of an index.

        Args:
            hrefs: Of the scenes in its ledger; of no meaning where the settings name the roots.
            settings: Allowed hosts and roots.
        """
        given = settings.archive_roots is not None
        places = settings.archive_roots if settings.archive_roots is not None else map(_place, hrefs)
        known = {place for place in places if place}
        buckets = frozenset(place.rstrip("/") + "/" for place in known if place.startswith("s3://"))
        folders = (Path(place).expanduser().resolve() for place in known if not place.startswith("s3://"))
        # The root folder is everything; only the operator may mean that.
        found = frozenset(folder for folder in folders if given or folder != Path(folder.anchor))
        return cls(folders=found, buckets=buckets, given=given, settings=settings)

    def check(self, href: str) -> None:
        """Do nothing where an href of the index may be opened.

        Raises:
            SceneError: It may not.
            SourceError: Its host is not allowed.
        """
        if is_url(href):
            check_host(href, self.settings)
        elif href.startswith("s3://"):
            self._check_bucket(href)
        elif href.startswith(SCHEME):
            self._check_folder(Path(_dataset_folder(href)))
        else:
            self._check_file(split_item(href)[0])

    def check_files(self, scene: Scene) -> None:
        """Do nothing where the files that a source found behind an href may be opened.

        Raises:
            SceneError: One may not.
            SourceError: A host is not allowed.
        """
        mask = () if scene.cloud_mask is None else (scene.cloud_mask.href,)
        for href in (*(asset.href for asset in scene.assets), *mask):
            if self.given or is_url(href):
                self.check(href)

    def _check_bucket(self, href: str) -> None:
        parts = PurePosixPath(href.removeprefix("s3://")).parts
        if ".." in parts or not any(href.startswith(bucket) for bucket in self.buckets):
            raise SceneError(f"lies outside the archive; {_HINT}")

    def _check_folder(self, folder: Path) -> None:
        real = folder.expanduser().resolve()
        if not any(real.is_relative_to(root) for root in self.folders):
            raise SceneError(f"lies outside the archive; {_HINT}")

    def _check_file(self, href: str) -> None:
        if href.startswith("/vsi") or (":" in href.split("/", 1)[0] and not href.startswith("file://")):
            raise SceneError("is not a file path, https://, s3:// or dataset: href")
        if "\0" in href:
            raise SceneError("holds a null byte")
        path = Path(local_path(href))
        if not path.is_absolute():
            raise SceneError("is not an absolute path")
        self._check_folder(path)
        # A folder or a pattern would be read as the first file in it. Asked last: whether a file exists elsewhere is
        # nobody's business.
        if not path.is_file():
            raise SceneError("is not a file on this machine")


_HINT = "SWATH_ARCHIVE_ROOTS names the folders and buckets that may be read"


def _place(href: str) -> str:
    """The folder that an href of the ledger proves to be part of the archive; empty where it proves none."""
    if is_url(href) or "\0" in href:
        return ""
    if href.startswith(SCHEME):
        return _dataset_folder(href)
    if href.startswith("s3://"):
        parent = href.rpartition("/")[0]
        return parent if parent.count("/") > 1 else ""
    path = Path(local_path(split_item(href)[0]))
    return str(path.parent) if path.is_absolute() else ""


def _dataset_folder(href: str) -> str:
    return split_view(href.removeprefix(SCHEME).partition(":")[2])[0]
