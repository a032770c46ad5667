"""The speed and size of runconsole: one subject a file, each against a yardstick measured in the same run.

    make bench                              # all of them; writes benchmarks/RESULTS.md
    python -m benchmarks ingest clicks      # some of them
    python -m benchmarks.ingest --profile   # one, with its own options

Each measurement is one line of JSON on stdout. A file whose name begins with an underscore measures nothing.
"""
