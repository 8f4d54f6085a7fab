"""Weights & Biases: runs that say which state of the data they used, and artifacts that lead back to it.

:func:`log_state` writes a state into the config of a run, and logs an artifact with a reference to it;
:func:`load_state` gives the state of such an artifact. docs/python/WANDB.md has a tour.
"""

from __future__ import annotations

import re
from typing import Any

import wandb

from argondb.branch import Branch, State
from argondb.errors import InvalidError
from argondb.reference import StateReference

__all__ = ["load_state", "log_state"]

_ENTRY = "state"
_TYPE = "dataset"


def log_state(
    run: Any,
    place: Branch | State,
    name: str | None = None,
    *,
    type: str = _TYPE,
    aliases: list[str] | None = None,
) -> Any:
    """Logs a state as an artifact of a run, and in the run's config as ``argon``. A branch is logged by
    the state that it has now: the artifact never means another one later.

    ``name`` is that of the artifact, and of the entry in the config; by default those of project and
    branch. Returns the artifact, whose digest differs for each state.
    """
    reference = StateReference.of(place)
    name = name or re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{reference.project}-{reference.branch}")
    artifact = wandb.Artifact(name, type=type, metadata=reference.to_dict())
    # W&B has no handler for the scheme, and takes the URI itself for the digest: it has the LSN.
    artifact.add_reference(reference.uri, name=_ENTRY, checksum=False)
    states = {**run.config.get("argon", {}), name: reference.to_dict()}
    run.config.update({"argon": states}, allow_val_change=True)
    return run.log_artifact(artifact, aliases=aliases)


def load_state(artifact: Any, store: Any = None) -> State:
    """The state of an artifact of :func:`log_state`. Its digest is the recorded one, or there is an
    error; see :meth:`argondb.reference.StateReference.open`. ``store`` is where to look, if the store
    has moved. A URI of the artifact's reference does as well.
    """
    if isinstance(artifact, str):
        uri = artifact
    else:
        entry = artifact.manifest.entries.get(_ENTRY)
        if entry is None or entry.ref is None:
            raise InvalidError(f"the artifact {artifact.name} has no state of Argon")
        uri = entry.ref
    return StateReference.parse(uri).open(store)
