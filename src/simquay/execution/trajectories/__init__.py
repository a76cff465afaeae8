"""Trajectories: the work of noisy circuits whose errors are drawn.

Takes programs with channels, and numbers of shots. Gives a prediction of the work. Read
``prediction.py`` first.
"""
