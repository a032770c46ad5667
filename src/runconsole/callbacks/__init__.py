"""Agents in the same kernel, reported by callbacks of their libraries: one module for each library.

    from runconsole.callbacks.langchain import RunHandler, run_graph
    from runconsole.callbacks.openai_agents import ReportHooks, run_agent
    from runconsole.callbacks.pydantic_ai import ReportRun

Each module needs its library, and is imported only by who uses it.
"""
