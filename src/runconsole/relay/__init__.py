"""Internal: `runconsole relay`: one connection to a server, everything kept, any number of viewers.

A console follows the server and records it. The events go to the viewers, by the server of `runconsole.reporting`, when
the store has them: no viewer knows what a killed relay has forgotten.
"""
