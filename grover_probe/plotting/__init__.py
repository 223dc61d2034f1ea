"""Panels and figures. A plot function takes a table and an Axes; it computes nothing that the table does not hold."""

from grover_probe.display import show_figures

show_figures()
