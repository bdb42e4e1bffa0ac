"""Parallel forward passes give the results of serial ones, and change no settings."""

import threading

import pytest
import timm
import torch
from torch import Tensor

from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.frozen_prefix import find_cut
from posture_classifier.models.parallel_forward import concurrent_passes, parallel_forward
from tests.helpers.photos import DrawFolder
from tests.helpers.program import SGD, Fit

CPU = torch.device("cpu")


@pytest.fixture
def two_threads() -> None:
    torch.set_num_threads(2)  # the fixture of all tests puts it back


@pytest.mark.usefixtures("two_threads")
def test_a_frozen_network_answers_several_threads_at_once() -> None:
    network = timm.create_model("resnet18", num_classes=3)
    for name, parameter in network.named_parameters():
        parameter.requires_grad = name.startswith("fc")
    set_modes(network, training=True, keep_statistics=True)
    modes = [module.training for module in network.modules()]
    cut = find_cut(network, 32)
    assert cut is not None
    batches = list(torch.randn(24, 4, 3, 32, 32))
    torch.set_num_threads(1)
    alone = [cut.prefix(images) for images in batches]
    torch.set_num_threads(2)
    threads: set[int] = set()
    met = threading.Barrier(2)

    def compute(images: Tensor) -> Tensor:
        if threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            met.wait(timeout=60)  # both are at it
        assert torch.get_num_threads() == 1
        return prefix(images)

    with cut.prefix_function() as prefix:
        together = list(parallel_forward(compute, batches, 2))
    assert len(threads) == 2
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
    assert torch.get_num_threads() == 2
    assert [module.training for module in network.modules()] == modes
    assert network(batches[0]).shape == (4, 3), "it goes all the way again"


@pytest.mark.usefixtures("two_threads")
def test_an_error_puts_the_threads_back() -> None:
    def fails(_: int) -> int:
        raise KeyError

    with pytest.raises(KeyError):
        list(parallel_forward(fails, range(5), 2))
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_threads_of_others_keep_their_number() -> None:
    """A server may start a thread while a stream is open; torch gives it what the process has."""
    numbers: list[int] = []
    results = parallel_forward(lambda _: torch.get_num_threads(), range(4), 2)
    assert next(results) == 1
    other = threading.Thread(target=lambda: numbers.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert numbers == [torch.get_num_threads()] == [2]
    assert list(results) == [1, 1, 1]


@pytest.mark.parametrize(("wanted", "each"), [(0, []), (1, [4]), (2, [2, 2]), (6, [1] * 6)])
def test_few_passes_get_several_threads_each(wanted: int, each: list[int]) -> None:
    torch.set_num_threads(4)
    assert list(parallel_forward(lambda _: torch.get_num_threads(), range(wanted), concurrent_passes(CPU, wanted))) == each


@pytest.mark.parametrize(("threads", "passes"), [(1, 1), (2, 2), (16, 16), (17, 8), (24, 12), (32, 16), (64, 16)])
def test_many_cores_are_all_used_by_few_passes(threads: int, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert concurrent_passes(CPU, 1000) == passes


@pytest.mark.usefixtures("two_threads")
def test_threads_that_cannot_be_started_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def refused(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            list(parallel_forward(lambda item: item, range(5), 2))
    started[0].join(timeout=60)
    assert not started[0].is_alive()
    assert torch.get_num_threads() == 2


def test_a_gpu_computes_one_pass_after_the_other() -> None:
    passes = concurrent_passes(torch.device("cuda"), 5)
    assert set(parallel_forward(lambda _: threading.get_ident(), range(5), passes)) == {threading.get_ident()}


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_training_on_what_several_threads_computed(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=12)
    options = ["--precision", "fp32", "--unfreezing.open_stages", "{1: 2}", *SGD]
    kept = fit(root, *options, epochs=2) / "checkpoints" / "last.ckpt"
    anew = fit(root, *options, "--cache.enabled", "false", epochs=2, version=1) / "checkpoints" / "last.ckpt"
    weights = [torch.load(path, weights_only=True)["state_dict"] for path in (kept, anew)]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=1e-6, msg=name)
