"""The engine ``cupy``: on a GPU, and its predicted cost."""
