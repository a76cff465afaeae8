"""The numbers of a tiled plan: those of its gates, and the products of blocks that are fused.

Takes the types of blocks, and the gates of one circuit or of many. Gives a pool of numbers, and the
products. Read ``pool.py`` first.
"""
