"""Simquay's GPU engine: tiled plans in CUDA kernels, through CuPy."""
