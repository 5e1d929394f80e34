"""How kernels are compiled and kept, and in which arithmetic they run."""
