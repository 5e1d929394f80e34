"""Views in a notebook."""
