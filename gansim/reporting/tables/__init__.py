"""Tables for reading: laid out, fitted to a width, written as text, Markdown, LaTeX or HTML."""
