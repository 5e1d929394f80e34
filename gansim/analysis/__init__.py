"""From traces and frames of runs to labels, shares and closed forms; nothing here simulates."""
