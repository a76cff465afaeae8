"""The numbers of a tiled plan: one pool, from which matrices and tables are computed together.

Takes the blocks of a plan and the gates of one circuit or of many. Gives the arrays that the passes
hold. Read ``pool.py`` first.
"""
