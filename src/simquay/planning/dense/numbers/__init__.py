"""The numbers of a dense plan: matrices and tables, all of a plan's computed together.

Takes the structure that the search found and the gates of one circuit. Gives the arrays that the
passes hold. Read ``recipe.py`` first.
"""
