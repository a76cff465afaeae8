"""The numbers of plans: read from gates, multiplied, and gathered, for one circuit or for many.

Takes the gates of one circuit or of several, and for each array of a plan the gates that it is
made of. Gives the arrays: matrices, and tables of diagonals. Read ``pool.py`` first.
"""
