"""A callback that looks into DDP from within: what the wrapper synchronises, and whether the ranks agree to the bit."""

import json
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.parallel import DistributedDataParallel


class Probe(Callback):
    """Writes one JSON line an epoch: what is trained, what the wrapper registered, and how far the ranks' weights are apart."""

    def __init__(self, file: str) -> None:
        self.file = Path(file)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        wrapper = trainer.strategy.model
        assert isinstance(wrapper, DistributedDataParallel)
        # The reducer's own account of what it was built with.
        data = wrapper._get_ddp_logging_data()  # type: ignore[no-untyped-call]
        registered = [data["num_parameter_tensors"], data["total_parameter_size_bytes"]]
        open_parameters = [parameter for parameter in pl_module.parameters() if parameter.requires_grad]
        trained = [len(open_parameters), sum(4 * parameter.numel() for parameter in open_parameters)]
        state = torch.cat([value.detach().double().flatten() for value in pl_module.state_dict().values()])
        gathered = pl_module.all_gather(state)
        assert isinstance(gathered, torch.Tensor)
        apart = float((gathered - gathered[0]).abs().max())
        if trainer.is_global_zero:
            with self.file.open("a") as file:
                file.write(
                    json.dumps({"registered": registered, "trained": trained, "apart": apart, "ranks": len(gathered)}) + "\n"
                )
