"""What several tests share.

Whoever imports it computes in one thread: two cores gain nothing on pictures of 32 pixels, and the
child processes that a test starts with a callback from here must sum in the same order as the test
does.
"""

import torch

torch.set_num_threads(1)
