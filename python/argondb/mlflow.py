"""MLflow: runs that say from which state they began, datasets that load the same rows again, and a
branch for each run.

- :func:`track` makes every run carry the store, project, branch, LSN and digest as tags.
- :func:`from_collection` gives a dataset for ``mlflow.log_input``, whose source loads the same rows later.
- :func:`start_run` gives a run a branch, which is merged if the run succeeds.

It needs ``mlflow-skinny`` with ``sqlalchemy`` and ``alembic``, or ``mlflow``, and pandas.
docs/python/MLFLOW.md has a tour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlflow

from argondb._mlflow_context import ArgonRunContext, Tracking, tags_of, track, tracked
from argondb._mlflow_source import ArgonDatasetSource
from argondb.branch import Branch
from argondb.errors import InvalidError
from argondb.reference import StateReference

if TYPE_CHECKING:
    from argondb.collection import CollectionView

__all__ = [
    "ArgonDatasetSource",
    "ArgonRunContext",
    "Run",
    "Tracking",
    "from_collection",
    "log_input",
    "start_run",
    "track",
    "tracked",
]

#: The most characters that MLflow allows in the digest of a dataset.
_MAX_DIGEST = 36
_MESSAGE = "Merge the run of MLflow"
#: Statuses of a run that has not succeeded.
_FAILED = ("FAILED", "KILLED")


def from_collection(
    collection: CollectionView,
    *,
    name: str | None = None,
    targets: str | None = None,
    predictions: str | None = None,
    **query: Any,
) -> Any:
    """A dataset of MLflow of the documents of a collection, as they are in its state; one of a branch
    is read at the present state.

    ``query`` has the options of :meth:`~argondb.CollectionView.to_pandas`: ``filter``, ``projection``,
    ``sort``, ``skip``, ``limit``. ``targets`` and ``predictions`` are names of columns. The digest is
    ``lsn:``, the position, and the beginning of the state's digest; the source has the whole one.
    """
    from mlflow.data.pandas_dataset import PandasDataset

    owner = collection._owner
    if owner is None:
        raise InvalidError("only a collection of a branch or of a state can become a dataset")
    if unknown := query.keys() - {"filter", "projection", "sort", "skip", "limit"}:
        raise InvalidError(f"unknown options of a dataset: {', '.join(sorted(unknown))}")
    state = owner.head() if isinstance(owner, Branch) else owner
    reference = StateReference.of(state)
    source = ArgonDatasetSource(reference, collection.name, query)
    return PandasDataset(
        state[collection.name].to_pandas(**query),
        source=source,
        targets=targets,
        predictions=predictions,
        name=name or collection.name,
        digest=f"lsn:{reference.lsn}:{reference.digest}"[:_MAX_DIGEST],
    )


def log_input(
    dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None
) -> None:
    """As ``mlflow.log_input``, for a dataset of :func:`from_collection`: with its state as tags."""
    of_state = tags_of(dataset.source.reference)
    mlflow.log_input(dataset, context=context, tags={**of_state, **(tags or {})})


@dataclass(frozen=True)
class Run:
    """A run with a branch of its own."""

    #: The run of MLflow.
    active: Any
    branch: Branch
    #: The branch from which it was made, and into which it is merged.
    base: Branch

    @property
    def run_id(self) -> str:
        """MLflow's name of the run."""
        run_id: str = self.active.info.run_id
        return run_id


@contextmanager
def start_run(
    base: Branch | None = None,
    branch: str = "auto",
    *,
    merge: bool = True,
    keep: bool = False,
    strategy: str | None = None,
    **options: Any,
) -> Iterator[Run]:
    """A run of MLflow with a branch of its own, to be used in ``with``.

    The branch is made of ``base``, or of the tracked branch; ``"auto"`` names it ``mlflow/RUN-ID``. At
    the end of a run that succeeds it is merged into ``base`` in one commit; a run that fails leaves
    ``base`` as it is. The branch is deleted then, unless ``keep``: Argon keeps a backup until `argon
    gc` collects it. Conflicts that ``strategy`` does not settle keep the branch, and fail the run with
    :class:`~argondb.ConflictError`.

    Its commits and the merge have the trailer ``mlflow-run``, so that ``argon log --trailer
    mlflow-run=RUN-ID`` finds them.

    ``options`` are those of ``mlflow.start_run``. The tags ``argon.run_branch``, ``argon.outcome``
    (``merged``, ``kept``, ``discarded`` or ``conflict``) and ``argon.merged_lsn`` say what became of it.
    """
    place = base if base is not None else tracked()
    if not isinstance(place, Branch):
        raise InvalidError("start_run needs a branch: give it one, or track() one before")
    client = mlflow.MlflowClient()
    with track(place), mlflow.start_run(**options) as active:
        run_id = active.info.run_id
        noting = place.with_trailers({"mlflow-run": run_id})
        own = noting.create(f"mlflow/{run_id}" if branch == "auto" else branch)
        client.set_tag(run_id, "argon.run_branch", own.name)
        try:
            with track(own):
                yield Run(active, own, place)
        except BaseException:
            _end(client, run_id, "discarded", own, keep)
            raise
        if client.get_run(run_id).info.status in _FAILED:
            _end(client, run_id, "discarded", own, keep)
        elif not merge:
            _end(client, run_id, "kept", own, keep=True)
        else:
            try:
                merged = noting.merge(own, strategy=strategy, message=_MESSAGE).apply()
            except BaseException:
                _end(client, run_id, "conflict", own, keep=True)
                raise
            if merged.lsn is not None:
                client.set_tag(run_id, "argon.merged_lsn", str(merged.lsn))
            _end(client, run_id, "merged", own, keep)


def _end(client: Any, run_id: str, outcome: str, branch: Branch, keep: bool) -> None:
    client.set_tag(run_id, "argon.outcome", outcome)
    if not keep:
        branch.delete()
