"""The database of facts and features: what has changed on the disk is computed again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.cache.directory import cache_directory
from posture_classifier.data.scan.cache import FILE_NAME, PhotoFeatures, ScanCache
from posture_classifier.images.depth import FULL_RANGE
from posture_classifier.images.facts import Facts, identify, read_facts
from tests.helpers.photos import draw_photos

Found = list[tuple[Facts, PhotoFeatures]]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """What a scan found of 48 photos."""
    files = sorted(draw_photos(tmp_path / "photos", people=6, each=4, classes=("left", "right")).rglob("*.png"))
    facts = [read_facts(file, identify(file))[0] for file in files]
    generator = np.random.default_rng(0)
    features = [PhotoFeatures(generator.random(64, np.float32), generator.random(96).astype(np.float16)) for _ in files]
    return list(zip(facts, features, strict=True))


def cached(found: Found) -> int:
    """Number of photos that are cached; asserts that each of them is what was found."""
    with ScanCache(FULL_RANGE) as cache:
        values = [cache.get(facts) for facts, _ in found]
    for (facts, features), value in zip(found, values, strict=True):
        if value is not None:
            assert repr(value[0]) == repr(facts)
            assert np.array_equal(value[1].last, features.last)
            assert np.array_equal(value[1].stages, features.stages)
            assert [part.dtype for part in value[1]] == [np.float32, np.float16]
    return sum(value is not None for value in values)


def put(found: Found) -> None:
    with ScanCache(FULL_RANGE) as cache:
        cache.put(found)


def test_what_was_put_is_found(found: Found) -> None:
    put(found)
    assert cached(found) == len(found)


@pytest.mark.parametrize("first_bytes", [100, 8192, None])
def test_no_damage_is_an_error_or_a_wrong_value(found: Found, first_bytes: int | None) -> None:
    """In the header, in the names of the tables, and anywhere."""
    put(found)
    file, generator = cache_directory() / FILE_NAME, np.random.default_rng(0)
    whole, lost = np.frombuffer(file.read_bytes(), dtype=np.uint8), 0
    for _ in range(12):
        changed = whole.copy()
        n = generator.choice([1, 2, 20, 200])
        changed[generator.integers(first_bytes or len(whole), size=n)] ^= generator.integers(1, 256, size=n, dtype=np.uint8)
        file.write_bytes(changed.tobytes())
        lost += len(found) - cached(found)
        put(found)
        cached(found)
    assert lost > 0, "the damage hits what is read"
    file.write_bytes(whole.tobytes())
    assert cached(found) == len(found), "and nothing but the damage was the reason"


def test_a_damaged_file_is_made_anew(found: Found) -> None:
    put(found)
    file = cache_directory() / FILE_NAME
    for content in (b"", b"no database", file.read_bytes()[:9000]):
        file.write_bytes(content)
        cached(found)
        put(found)
        assert cached(found) == len(found)


def test_a_database_of_another_version_is_made_anew(found: Found) -> None:
    """A version that kept other columns under another fingerprint."""
    file = cache_directory() / FILE_NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE scan_0123 (digest INTEGER PRIMARY KEY, features BLOB)")
        database.execute("INSERT INTO scan_0123 VALUES (?, ?)", (found[0][0].digest, b"old"))
    assert cached(found) == 0
    put(found)
    assert cached(found) == len(found)
    with closing(sqlite3.connect(file)) as database:
        assert len(database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()) == 1
