"""Server-sent events: a parser without I/O, and the transport that reads them by HTTP."""
