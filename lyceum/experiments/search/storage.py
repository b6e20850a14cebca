"""Where a study lives: Optuna's journal file, or any database that SQLAlchemy reaches."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from lyceum.contract import UsageError, UserError

JOURNAL = "journal.log"
GRACE = 30  # seconds after which a lock that nobody gives back is removed
TRIES = 5  # to create the tables of a database, where several workers may do so at once


class Journal(JournalFileBackend):
    """Optuna's journal file, which also survives a worker that dies while it writes.

    A line that was cut off would otherwise run on into the next one, and nobody could read the journal any more. The
    path is absolute, because the lock is a link to it: Optuna waits for ever for a lock whose link leads nowhere.
    """

    def __init__(self, path: Path):
        self.path = path.resolve()
        self.lock = JournalFileSymlinkLock(str(self.path), GRACE)
        super().__init__(str(self.path), self.lock)

    def append_logs(self, logs: list[dict]) -> None:
        if not self._complete():
            self.lock.acquire()
            try:
                if not self._complete():
                    os.truncate(self.path, self.path.read_bytes().rfind(b"\n") + 1)
            finally:
                self.lock.release()
        super().append_logs(logs)

    def _complete(self) -> bool:
        with open(self.path, "rb") as file:
            if not file.seek(0, os.SEEK_END):
                return True
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"


def open_storage(url: str | None, out: Path) -> BaseStorage:
    """The storage of the database at `url`, or the journal file in the folder `out`.

    Raises UsageError, one sentence without a password, for what is no URL or cannot be reached.
    """
    if url is None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return JournalStorage(Journal(out / JOURNAL))
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
