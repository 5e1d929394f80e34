"""What is simulated: laws, networks, optimisers, a whole configuration, and the names of what may become of it."""
