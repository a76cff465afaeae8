"""The device: arrays, launches and memory.

Takes kernels' sources and programs. Gives arrays on the device. Read ``cuda.py`` first, the only
file that imports CuPy.
"""
