"""Where a study lives: Optuna's journal file, or any database that SQLAlchemy reaches."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from lyceum.contract import UsageError, UserError

JOURNAL = "journal.log"
TRIES = 5  # to create the tables of a database, where several workers may do so at once


def open_storage(url: str | None, out: Path) -> BaseStorage:
    """The storage of the database at `url`, or the journal file in the folder `out`.

    Raises UsageError, one sentence without a password, for what is no URL or cannot be reached.
    """
    if url is None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return JournalStorage(JournalFileBackend(str(out / JOURNAL)))
        except OSError as error:
            raise UserError(f"cannot write into {out} ({error.strerror or error}): choose another --out.") from error
    try:
        parsed = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        raise UsageError(
            "--storage is no database URL: write for example postgresql+psycopg://user@host/database."
        ) from error
    return _database(url, parsed.render_as_string(hide_password=True))


def _database(url: str, name: str) -> BaseStorage:
    for left in reversed(range(TRIES)):
        try:
            return optuna.storages.get_storage(RDBStorage(url, engine_kwargs={"pool_pre_ping": True}))
        except (ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
            raise UsageError(f"--storage {name} needs a driver that is not installed ({_first(error)}).") from error
        except (sqlalchemy.exc.SQLAlchemyError, RuntimeError, OSError) as error:
            if not left:
                raise UsageError(f"--storage {name} cannot be reached: {_first(error)}.") from error
            time.sleep(0.2)
    raise AssertionError


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
