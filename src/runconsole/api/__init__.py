"""The public methods of a run: its DataFrames, waiting for it, answers and calls to its server."""
