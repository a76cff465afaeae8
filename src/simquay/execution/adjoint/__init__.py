"""Gradients of expectation values by the adjoint method.

Takes a program at sets of its angles, and observables. Gives the values of these, and their
derivatives by the angles, in a time that hardly grows with the number of angles. Read
``backward.py`` first.
"""
