"""The ``tiled(t, low)`` strategy: passes over tiles of 2**t amplitudes, for engines with kernels.

Takes gate operations and a profile. Gives passes: tiles that are loaded, worked on in stages, and
written back. Read ``search.py`` first; ``passes.py`` says what passes are made of.
"""
