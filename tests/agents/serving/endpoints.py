"""AG-UI endpoints of the LangGraph graph, by ag-ui-langgraph: `uvicorn endpoints:app`.

`/legacy` asks by the event `on_interrupt` alone, as the package does by default; `/standard` by the outcome of the run.
"""

from __future__ import annotations

from ag_ui_langgraph import LangGraphAgent, add_langgraph_fastapi_endpoint
from fastapi import FastAPI
from langgraph.checkpoint.memory import InMemorySaver
from research import build

app = FastAPI()
agents = {
    path: LangGraphAgent(
        name="research", graph=build().compile(checkpointer=InMemorySaver()), emit_interrupt_outcome=path == "standard"
    )
    for path in ("legacy", "standard")
}
for path, agent in agents.items():
    add_langgraph_fastapi_endpoint(app, agent, f"/{path}")


@app.get("/{path}/threads/{thread}")
async def values(path: str, thread: str) -> object:
    """Return the answers that the graph has received on a thread."""
    state = await agents[path].graph.aget_state({"configurable": {"thread_id": thread}})
    return state.values.get("answers", [])
