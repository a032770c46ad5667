"""The version of runconsole, for the package, recordings and data sets."""

__version__ = "0.1.0"
