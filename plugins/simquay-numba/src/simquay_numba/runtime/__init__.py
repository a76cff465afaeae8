"""What a run of kernels needs beside them: threads, CPUs, buffers and assembled passes.

Takes assembled passes and states. Gives them to threads. Read ``threads.py`` first.
"""
