"""Hashes of content and of code: equal for equal values, and different for everything else."""

import pytest
import torch

from posture_classifier.cache.fingerprint import code_version, fingerprint
from posture_classifier.callbacks import cache_dependencies
from posture_classifier.data.scan import cache


@pytest.mark.parametrize("modules", [cache_dependencies.MODULES, cache.MODULES])
def test_the_code_that_decides_what_is_cached_is_there(modules: tuple[str, ...]) -> None:
    assert len(code_version(modules, ())) == 32


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="images/renamed"):
        code_version(("images/decode", "images/renamed"), ())


def test_a_fingerprint_is_of_content() -> None:
    tensor = torch.rand(2, 3, 4, 4)
    assert fingerprint("a", tensor) == fingerprint("a", tensor.clone())
    assert fingerprint(tensor) == fingerprint(tensor.to(memory_format=torch.channels_last))
    changed = tensor.clone()
    changed[1, 2, 3, 3] += 1e-6
    assert fingerprint("a", tensor) != fingerprint("a", changed)
    assert fingerprint({"x": 1, "y": 2}) == fingerprint({"y": 2, "x": 1})
    assert len({fingerprint(1, 2), fingerprint(2, 1), fingerprint(12), fingerprint("1", 2), fingerprint([1, 2])}) == 5
