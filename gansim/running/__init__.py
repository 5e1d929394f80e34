"""A study in the world: workers, folders, shards, checks."""
