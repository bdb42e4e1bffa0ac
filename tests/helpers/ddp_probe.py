"""A callback that records what DDP synchronises, and how far the weights of ranks differ."""

import json
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.parallel import DistributedDataParallel


class Probe(Callback):
    """Writes one JSON line an epoch.

    It holds number and bytes of the trained and of the registered parameters, the largest
    difference between the weights of two ranks, the number of ranks, and what they talk by.
    """

    def __init__(self, file: str) -> None:
        self.file = Path(file)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        wrapper = trainer.strategy.model
        assert isinstance(wrapper, DistributedDataParallel)
        # The parameters that DDP's reducer was built with.
        data = wrapper._get_ddp_logging_data()  # type: ignore[no-untyped-call]
        registered = [data["num_parameter_tensors"], data["total_parameter_size_bytes"]]
        open_parameters = [parameter for parameter in pl_module.parameters() if parameter.requires_grad]
        trained = [len(open_parameters), sum(4 * parameter.numel() for parameter in open_parameters)]
        state = torch.cat([value.detach().double().flatten() for value in pl_module.state_dict().values()])
        gathered = pl_module.all_gather(state)
        assert isinstance(gathered, torch.Tensor)
        difference = float((gathered - gathered[0]).abs().max())
        if trainer.is_global_zero:
            facts = {"registered": registered, "trained": trained, "difference": difference, "ranks": len(gathered)}
            with self.file.open("a") as file:
                file.write(json.dumps(facts | {"backend": torch.distributed.get_backend()}) + "\n")
