"""The error tree. Every message says what was received and what would work.

SwathError                      anything Swath raises on purpose; exit code 1 unless a leaf says otherwise
+-- InputError (ValueError)     the caller's input cannot be used; exit code 2, HTTP 400
|   +-- QueryError              a search request that contradicts itself or the index
|   |   +-- FilterError         a filter that does not parse or names an unknown column
|   |   +-- TileNotFoundError (LookupError)   a tile id that is not in the index; HTTP 404
|   +-- SensorError             a sensor file that is wrong, or bands that do not fit it
|   |   +-- AmbiguousSensorError              several sensors fit; lists them and the flag
|   +-- UnknownNameError (LookupError)        a name no registry knows; lists the known ones
|   +-- SourceError             a source that cannot be opened at all
|   +-- ConfigError             a configuration file with a wrong or unknown key
|   +-- IndexNotFoundError (FileNotFoundError)  a directory that is not a Swath index
|   +-- SpaceMismatchError      an index opened with another encoder than it was built with
+-- SceneError                  one scene cannot be read; reported and counted, the rest goes on
+-- WeightsNotFoundError (FileNotFoundError)  model files are missing; names file and place
+-- MissingExtraError (ImportError)           an optional package is missing; shows the install line
+-- StoreError (OSError)        the index could not be written or read (full disk, lock, damage)
"""

from __future__ import annotations


class SwathError(Exception):
    """Base of every error raised on purpose."""

    exit_code = 1


class InputError(SwathError, ValueError):
    """The caller's input cannot be used."""

    exit_code = 2


class QueryError(InputError):
    """A search request that contradicts itself or does not fit the index."""


class FilterError(QueryError):
    """A filter that does not parse, or names a column the index does not have."""


class TileNotFoundError(QueryError, LookupError):
    """A tile id that is not in the index."""


class SensorError(InputError):
    """A sensor definition that is wrong, or a raster whose bands do not fit it."""


class AmbiguousSensorError(SensorError):
    """More than one sensor fits what is known about a scene.

    Attributes:
        candidates: The values of ``--sensor`` that would each fit, sorted.
    """

    def __init__(self, message: str, *, candidates: tuple[str, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class UnknownNameError(InputError, LookupError):
    """A name that no registry knows."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(known) or 'none'}")
        self.known = known


class SourceError(InputError):
    """A source that cannot be opened at all (as opposed to one bad scene in it)."""


class ConfigError(InputError):
    """A configuration file with a wrong value or an unknown key."""


class IndexNotFoundError(InputError, FileNotFoundError):
    """A directory that does not hold a Swath index."""


class SpaceMismatchError(InputError):
    """An index opened with another encoder than the one that filled it."""


class SceneError(SwathError):
    """One scene cannot be read; the message is the reason, without the scene's name."""


class WeightsNotFoundError(SwathError, FileNotFoundError):
    """Model files are missing; the message names the file and where to put it."""


class MissingExtraError(SwathError, ImportError):
    """An optional package is missing.

    Args:
        package: The package that could not be imported.
        extra: The extra of Swath that brings it.
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'swath[{extra}]'")


class StoreError(SwathError, OSError):
    """The index could not be read or written (full disk, another writer, damage)."""
