"""The numbers of a dense plan: its matrices and tables, all computed together.

Takes the structure that the search found and the gates of one circuit. Gives the arrays that the
passes hold. Read ``recipe.py`` first.
"""
