"""LangGraph: the checkpoints of agents and their memory in a branch.

- :class:`ArgonSaver` is a checkpointer: each step of a graph is a commit, so a run can be read in the
  past, forked with a branch, compared, merged and undone.
- :class:`ArgonStore` is the long-term memory that threads share, as documents that can be queried.

They need ``langgraph-checkpoint``, which ``langgraph`` brings. docs/PYTHON.md has a tour.
"""

from __future__ import annotations

from argondb.langgraph.saver import ArgonSaver
from argondb.langgraph.store import ArgonStore

__all__ = ["ArgonSaver", "ArgonStore"]
