"""What carries out a series of trainings: this process, the GPUs of this machine, or Ray."""
