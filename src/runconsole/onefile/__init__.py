"""Internal: a run and its panel as one HTML file, for a browser without a network."""

from runconsole.onefile.writing import write_file

__all__ = ["write_file"]
