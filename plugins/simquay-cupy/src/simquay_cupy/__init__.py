"""The CuPy engine of Simquay: a statevector simulator for NVIDIA GPUs."""
