"""Tiled passes made into instruction words for the kernels.

Takes a plan. Gives arrays of words and coefficients. Read ``assemble.py`` first, then
``templates.py``; ``packing.py`` has the layout of the words.
"""
