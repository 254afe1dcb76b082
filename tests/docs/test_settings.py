"""docs/reference/settings.md says what `enrollment.conf` reads: no more, no less, no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from enrollment import conf
from tests.docs.pages import ROOT, Row, page

ROWS = page("docs/reference/settings.md").rows("## All settings")
# How a setting that is not set comes out; two readings of nothing are equal.
DEFAULTS = conf.read({})


class _Recorder(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def names_that_are_read() -> set[str]:
    """Return every variable that `conf.read` looks at."""
    recorder = _Recorder()
    conf.read(recorder)
    return recorder.asked


def names_on_the_page() -> list[str]:
    """Return every variable that has a row, and the `_FILE` twins of secrets."""
    return [name for row in ROWS for name in row.code("variable")]


def test_every_setting_that_is_read_has_a_row() -> None:
    assert names_that_are_read() - set(names_on_the_page()) == set()


def test_no_row_is_about_a_setting_that_nobody_reads() -> None:
    assert set(names_on_the_page()) - names_that_are_read() == set()


def test_no_setting_has_two_rows() -> None:
    assert len(names_on_the_page()) == len(set(names_on_the_page()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code("variable")[0])
def test_the_default_on_the_page_changes_nothing(row: Row) -> None:
    """A default in code type is a value; setting the variable to it must equal not setting it."""
    name, defaults = row.code("variable")[0], row.code("default")
    if not defaults:
        assert row.cells["default"], f"{name} has no default on the page"
        return
    assert conf.read({name: defaults[0]}) == DEFAULTS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code("variable")[0])
def test_every_row_says_what_the_setting_means(row: Row) -> None:
    assert row.cells["meaning"].endswith((".", ".)"))


def test_every_kind_of_ca_key_is_named() -> None:
    (row,) = (row for row in ROWS if row.code("variable") == ("CERTSRV_CA_KEY",))

    assert set(conf.CA_KEY_KINDS) == set(row.code("meaning"))


def test_no_other_module_reads_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("enrollment", "certsrv")
        for path in (ROOT / folder).rglob("*.py")
        if "os.environ[" in (text := path.read_text(encoding="utf-8"))
        or "os.environ.get" in text
        or "getenv" in text
    }

    assert readers <= {"enrollment/conf.py"}
