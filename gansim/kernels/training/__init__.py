"""One step of training, and all steps: gradients, what is done with them, who moves when."""
