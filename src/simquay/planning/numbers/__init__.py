"""The numbers of a plan: where each comes from, and how those of one circuit or many are gathered.

Takes gates, and for each matrix or table of a plan the gates that are multiplied. Gives recipes,
which compute all arrays of a plan together. Read ``pool.py`` first.
"""
