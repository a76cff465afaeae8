"""Simquay's compiled CPU engine: tiled plans in Numba kernels."""
