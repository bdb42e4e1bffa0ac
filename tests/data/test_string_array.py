"""Very many strings in little memory: what arrays of strings would give."""

import pickle
import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from posture_classifier.data.string_array import StringArray

TEXTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=12)


@given(texts=TEXTS, data=st.data())
def test_they_are_chosen_and_counted_as_an_array_of_strings(texts: list[str], data: st.DataObject) -> None:
    names = StringArray(texts)
    assert names.tolist() == texts
    indices = data.draw(st.lists(st.integers(0, max(0, len(texts) - 1)), max_size=0 if not texts else 20))
    chosen = names[np.array(indices, dtype=np.int64)]
    assert chosen.tolist() == [texts[index] for index in indices] == pickle.loads(pickle.dumps(chosen)).tolist()
    distinct, codes = chosen.unique()
    assert distinct.tolist() == sorted(set(chosen))
    assert distinct[codes].tolist() == chosen.tolist()
    assert np.asarray(chosen).tolist() == chosen.tolist()


def test_equal_names_may_be_given_once() -> None:
    names = StringArray(["ben", "anna"], np.array([1, 0, 1]))
    assert names.tolist() == ["anna", "ben", "anna"]
    assert names[names.unique()[1] == 0].tolist() == ["anna", "anna"]


def test_names_of_bytes_that_are_no_utf8_stay_what_they_are() -> None:
    name = b"photo-\xc1\xa4.jpg".decode(errors="surrogateescape")
    assert StringArray([name])[0] == name


def test_a_hundred_thousand_paths_take_less_than_six_megabytes() -> None:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    names = StringArray(f"class_{number % 2}/person-{number % 997:04d}/IMG_{number:08d}.jpg" for number in range(100_000))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(names) == 100_000
    assert taken < 6e6, "36 letters and two numbers of 8 bytes each"
