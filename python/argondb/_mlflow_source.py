"""The source of MLflow's datasets that are made of a collection in a state.

MLflow loads this while it is itself loaded; the rest is in ``argondb.mlflow``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow.data.dataset_source import DatasetSource

if TYPE_CHECKING:
    from argondb.branch import State
    from argondb.reference import StateReference
    from argondb.store import Store

__all__ = ["ArgonDatasetSource"]


class ArgonDatasetSource(DatasetSource):  # type: ignore[misc]
    """A collection in a state, and which of its documents: what MLflow keeps to load them again."""

    def __init__(
        self, reference: StateReference, collection: str, query: Mapping[str, Any] | None = None
    ) -> None:
        self.reference = reference
        self.collection = collection
        #: The options of :meth:`~argondb.CollectionView.to_pandas`.
        self.query = dict(query or {})

    def state(self, store: Store | None = None) -> State:
        """The state. Its digest is the recorded one, or there is an error; see
        :meth:`argondb.reference.StateReference.open`."""
        return self.reference.open(store)

    def load(self, store: Store | None = None) -> Any:
        """The same rows as a DataFrame of pandas. ``store`` is where to look, if the store has moved."""
        return self.state(store)[self.collection].to_pandas(**self.query)

    @staticmethod
    def _get_source_type() -> str:
        return "argon"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        # A URI names a state, but no collection: from_collection() makes sources.
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> ArgonDatasetSource:
        raise NotImplementedError("use argondb.mlflow.from_collection()")

    def to_dict(self) -> dict[str, Any]:
        """The source as JSON has it; values of the query are canonical Extended JSON."""
        fields = {**self.reference.to_dict(), "collection": self.collection}
        if self.query:
            from bson import json_util

            fields["query"] = json_util.dumps(
                self.query, json_options=json_util.CANONICAL_JSON_OPTIONS
            )
        return fields

    @classmethod
    def from_dict(cls, source_dict: Mapping[str, Any]) -> ArgonDatasetSource:
        """The source of :meth:`to_dict`."""
        from argondb.reference import StateReference

        query = None
        if "query" in source_dict:
            from bson import json_util

            query = json_util.loads(
                source_dict["query"],
                json_options=json_util.JSONOptions(
                    json_mode=json_util.JSONMode.CANONICAL, tz_aware=False, tzinfo=None
                ),
            )
        reference = StateReference.from_dict(source_dict)
        return cls(reference, str(source_dict["collection"]), query)
