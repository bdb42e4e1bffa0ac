"""Networks of every family, and what their parts must agree in."""

import timm
import torch
from torch import nn

import posture_classifier.models.backbones
from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.all_stages_head import Head
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.models.stages import stages
from posture_classifier.models.weights import create_backbone


@torch.no_grad()
def learn_statistics(network: nn.Module) -> None:
    """Make norm layers differ from their start, so that outputs differ from image to image."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    network.train()(torch.rand(4, 3, 96, 96))


ONE_OF_EACH_FILE = (
    "lenet5",
    "alexnet",
    "nin",
    "googlenet",
    "cifar_resnet14",
    "cifar_highway20",
    "deformable_resnet18_v2",
    "inception_v3_aux",
)
"""Networks of ours: each file of ``models/backbones``, and both kinds of CIFAR network."""
SMALL = ("resnet18", "seresnet18", "deformable_resnet18_v2", "convnext_atto", "regnetx_002", "vgg11", "alexnet", "densenet121")
SIZES = dict.fromkeys((*SMALL, "googlenet", "nin"), 64) | {"lenet5": 32, "inception_v3": 96}
"""Side in pixels at which a network is tested; others are tested at their own size."""
LARGE = {"vgg11", "pit_s_224", "rdnet_tiny", "swin_tiny_patch4_window7_224", "inception_v3_aux", "inception_v3", "alexnet"}
"""Networks that take seconds to build and to run at their smallest size."""


def opened(name: str, n_open: int, drop_rate: float = 0.0, head: Head = "last_stage") -> nn.Module:
    backbone, _ = create_backbone(name, 3, pretrained=False, image_size=SIZES.get(name), drop_rate=drop_rate, head=head)
    parameters = dict(backbone.named_parameters())
    for depth, stage in enumerate(reversed(stages(backbone))):
        for parameter in stage.parameters:
            parameters[parameter].requires_grad = depth < n_open
    set_modes(backbone, training=True, keep_statistics=False)
    return backbone


def as_tuple(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def check_cut(backbone: nn.Module, cut: Cut, size: int) -> torch.Tensor:
    """Prefix and suffix give the whole's output in both modes; returns the features."""
    images = torch.rand(3, 3, size, size)
    kept = cut.prefix(images)
    assert not kept.requires_grad
    # In training, statistics of three photos' single positions magnify the last bit.
    for tolerance in (0.05, 1e-4):
        torch.manual_seed(1)
        whole = as_tuple(backbone(images))
        torch.manual_seed(1)
        for one, other in zip(as_tuple(cut.suffix(kept)), whole, strict=True):
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance * float(other.abs().max()))
            assert one.requires_grad
        backbone.eval()
    return kept


# One of each family that the README names, the smallest that timm has.
FAMILIES = [
    "resnet18",
    "vgg11",
    "densenet121",
    "seresnet18",
    "tf_efficientnet_lite0",
    "mobilenetv3_small_050",
    "convnext_atto",
    "regnetx_002",
    "inception_v3",
    "vit_tiny_patch16_224",
    "deit_tiny_distilled_patch16_224",
    "swin_tiny_patch4_window7_224",
    "pit_s_224",  # its matcher forgets the class token
    "rdnet_tiny",  # its matcher knows fine groups only
    *ONE_OF_EACH_FILE,
]

OURS = [
    name
    for name in timm.list_models()
    if timm.models.model_entrypoint(name).__module__.startswith(posture_classifier.models.backbones.__name__)
]
ONE_OF_EACH_TIMM_FILE = (
    *("beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "convit_tiny", "convmixer_768_32", "cpubone_nano"),
    *("crossvit_tiny_240", "cs3darknet_focus_s", "csatv2", "cspnext_tiny", "davit_tiny", "deit_tiny_patch16_224"),
    *("densenet121", "dla46x_c", "dpn48b", "edgenext_xx_small", "efficientformer_l1", "efficientformerv2_s0"),
    *("efficientvim_m1", "efficientvit_b0", "efficientvit_m0", "ese_vovnet19b_slim_dw", "fasternet_t0", "fastvit_t8"),
    *("focalnet_tiny_srf", "gcvit_xxtiny", "ghostnet_050", "gmlp_ti16_224", "halonet_h1", "hardcorenas_b", "hgnetv2_b0"),
    *("hiera_tiny_224", "hrnet_w18_small", "iformer_t", "inception_next_atto", "inception_resnet_v2", "inception_v3"),
    *("inception_v4", "lcnet_035", "lcnetv2_small", "legacy_seresnet18", "legacy_xception", "levit_128s", "lowformer_b0"),
    *("mobilenetv3_small_050", "mobilenetv4_conv_small_035", "mobilenetv5_base", "mobilevit_xxs", "mvitv2_tiny"),
    *("naflexvit_base_patch16_parfac_gap", "nasnetalarge", "nest_tiny", "nextvit_small", "pit_ti_224", "pnasnet5large"),
    *("poolformerv2_s12", "pvt_v2_b0", "qwen3_vit_88m", "rdnet_tiny", "regnetx_002", "repghostnet_050", "repvit_m1"),
    *("res2next50", "resnest14d", "resnetv2_18", "rexnet_100", "sam2_hiera_tiny", "samvit_base_patch16_224", "selecsls42"),
    *("sequencer2d_s", "shvit_s1", "skresnet18", "starnet_s050", "swiftformer_xs", "swin_tiny_patch4_window7_224"),
    *("swinv2_cr_tiny_224", "swinv2_tiny_window8_256", "test_byobnet", "test_coatnet", "test_convnext", "test_efficientnet"),
    *("test_mambaout", "test_nfnet", "test_resnet", "test_vit", "test_vit_relpos", "tiny_vit_5m_224"),
    *("tnt_s_legacy_patch16_224", "tresnet_m", "twins_svt_small", "vgg11", "visformer_tiny", "vit_tiny_patch16_dinov3_qkvb"),
    *("vit_tiny_r_s16_p8_224", "vitamin_small_224", "volo_d1_224", "xception41p", "xcit_nano_12_p8_224"),
)
"""The smallest network of each file of ``timm.models`` (with less than 400 million parameters), and
of its MobileNets."""
