"""Internal: the protocols of servers: what a console subscribes to, reads, and sends. No I/O."""
