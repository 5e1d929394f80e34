"""Networks on lanes: architecture, activations, layers, passes, initial weights."""
