"""Running kernels: threads, their CPUs, memory, and the assembled passes that are kept.

Takes assembled passes and states. Gives states to which the passes were applied. Read
``threads.py`` first.
"""
