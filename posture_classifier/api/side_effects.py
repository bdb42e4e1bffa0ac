"""Leaves a Python process as it was before a command ran in it."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import rich
import torch
from torch.utils.data._utils import signal_handling

from posture_classifier.utils.environment import library_environment
from posture_classifier.utils.errors import UserError

LOGGERS = ("lightning.pytorch", "lightning.fabric")


@contextmanager
def as_library_call() -> Iterator[None]:
    """A context in which a command may run, and after which nothing of it is left but its files.

    Environment, signal handlers, random numbers, torch's settings, warnings, levels of loggers and
    rich's console are what they were before.

    Raises:
        KeyboardInterrupt: The user stopped it, which Lightning turns into an exit.
        UserError: It would have ended the process.
    """
    try:
        with library_environment(), _signals(), _random_numbers(), _torch_settings(), _messages():
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise UserError(
            "the options asked for help or the settings alone, and nothing was trained; leave print_config and help out"
        ) from error


@contextmanager
def _signals() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # Python allows no other to set them
        yield
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
                # torch has set its own to notice workers that die; the next loader will do so anew.
                signal_handling._SIGCHLD_handler_set &= number != getattr(signal, "SIGCHLD", None)


@contextmanager
def _random_numbers() -> Iterator[None]:
    """NumPy's and torch's; ``library_environment`` looks after Python's."""
    numpy_state = np.random.get_state()
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        np.random.set_state(numpy_state)


@contextmanager
def _torch_settings() -> Iterator[None]:
    """Those that options of Lightning's trainer, and several devices, change."""
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    matmul = torch.get_float32_matmul_precision()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
        torch.set_float32_matmul_precision(matmul)


@contextmanager
def _messages() -> Iterator[None]:
    """Warnings, loggers, and rich's console, which Lightning's progress bar replaces."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    console, attributes = rich.get_console(), dict(rich.get_console().__dict__)
    format_warning = warnings.formatwarning
    try:
        with warnings.catch_warnings():
            yield
    finally:
        warnings.formatwarning = format_warning
        console.__dict__ = attributes
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
