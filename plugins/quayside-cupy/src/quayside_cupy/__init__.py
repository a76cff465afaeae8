"""The CuPy engine of Quayside: a statevector simulator for NVIDIA GPUs."""
