"""Tiled passes made into instruction words for the kernels.

Takes a plan. Gives arrays of words and coefficients. Read ``assemble.py`` first, then
``stages.py``; ``template.py`` describes how words and coefficients come together.
"""
