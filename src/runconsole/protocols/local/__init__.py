"""Internal: runs of this process, without a server: `Source`, and its wire and transport."""
