"""Simquay's compiled CPU engine: tiled plans in kernels compiled by Numba."""
