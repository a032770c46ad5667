"""Runs of this process, without a server: `Source`, and the wire and transport that a console follows it by."""
