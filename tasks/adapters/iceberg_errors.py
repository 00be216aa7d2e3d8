"""What Iceberg, its catalogue and its folder can refuse, in our words."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    ServerError,
    ServiceUnavailableError,
    ValidationException,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from semantic_layer.errors import AnopsError, TransientError

_LOCKED = ("database is locked", "database table is locked", "deadlock", "could not serialize")
_DISK = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EFBIG: "a file may not grow that large; raise the limit of file sizes",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the folder is read-only; mount it writable or set ANOPS_HOME",
    errno.EACCES: "the folder may not be written; grant it or set ANOPS_HOME",
    errno.EPERM: "the folder may not be written; grant it or set ANOPS_HOME",
}


class TableStoreError(AnopsError):
    """The table store cannot work as it is set up; trying again will not help."""


@contextmanager
def iceberg_errors(doing: str, where: str) -> Iterator[None]:
    """Translate errors of the store into ours.

    Args:
        doing: what was tried, such as `Publishing 'cell_kpis'`.
        where: the catalogue, without its password.

    Raises:
        TransientError: another writer was first, or a service did not answer.
        TableStoreError: the folder, disk or catalogue cannot be used.
    """
    try:
        yield
    except (CommitFailedException, ValidationException) as error:
        raise TransientError(
            f"{doing}: another writer changed the same rows at the same time."
        ) from error
    except (CommitStateUnknownException, ServerError, ServiceUnavailableError) as error:
        raise TransientError(f"{doing}: the catalogue {where} did not answer.") from error
    except OperationalError as error:
        raise _of_database(error, doing, where) from error
    except DBAPIError as error:
        raise TableStoreError(f"{doing}: the catalogue {where} refused: {error.orig}.") from error
    except FileNotFoundError as error:
        raise TableStoreError(
            f"{doing}: a file of the table is gone: {error}. Restore it, or publish again."
        ) from error
    except (OSError, pl.exceptions.ComputeError) as error:
        raise _of_files(error, doing, where) from error


def _of_files(error: Exception, doing: str, where: str) -> AnopsError:
    told = re.search(r"os error (\d+)", str(error))  # Polars tells the number in words only
    number = int(told[1]) if told else getattr(error, "errno", None)
    if number is None and isinstance(error, pl.exceptions.ComputeError):
        return TableStoreError(f"{doing}: a file of the table is broken: {error}.")
    if number is None:  # a service behind the catalogue or the warehouse
        return TransientError(f"{doing}: {where} or its warehouse did not answer ({error}).")
    reason = _DISK.get(number, f"the folder cannot be used ({error})")
    return TableStoreError(f"{doing}: {reason}. What was published before stands.")


def _of_database(error: OperationalError, doing: str, where: str) -> AnopsError:
    text = str(error.orig).lower()
    if any(word in text for word in _LOCKED) or error.connection_invalidated:
        return TransientError(f"{doing}: the catalogue {where} is busy ({error.orig}).")
    if "readonly" in text or "unable to open" in text:
        return TableStoreError(
            f"{doing}: the catalogue {where} cannot be opened for writing ({error.orig}). "
            "Check the folder's rights, or set ANOPS_HOME or ANOPS_TABLE_CATALOGUE."
        )
    if "full" in text:
        return TableStoreError(
            f"{doing}: the disk of catalogue {where} is full. What was published before stands."
        )
    return TransientError(f"{doing}: the catalogue {where} did not answer ({error.orig}).")
