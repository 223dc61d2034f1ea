"""The paper's figures, composed of panels of `grover_probe.plotting` from folders of results."""
