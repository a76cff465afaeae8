"""The device: arrays, launches and memory, behind one protocol.

Takes kernels' sources and programs. Gives arrays on the device. Read ``protocol.py`` first, then
``cuda.py``, the only file that imports CuPy.
"""
