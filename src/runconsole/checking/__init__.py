"""The conformance of a stream of events: the promises of the two event families, and where a stream breaks them.

`reading` takes the events of a recording or of a server. `checker` compares them with the promises, event by event:
`envelopes`, `execution` and `tasks` have these. What is found are `Finding`s of a `CheckReport`.
"""
