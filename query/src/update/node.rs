//! The paths of an update as a tree, with a modifier at the end of each.

use std::collections::{BTreeMap, BTreeSet};

use argon_core::Result;

use super::array_filter::ArrayFilters;
use super::path::{FieldKey, Part, UpdatePath};
use crate::Code;

/// What happens at a value.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// The modifier with this number.
    Leaf(usize),
    /// Updates of fields, or of elements by their indexes.
    Fields(Fields),
    /// Updates of elements, by the identifiers of array filters.
    Elements(Children),
}

/// Updates of fields, and of the element that `$` stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) children: Children,
    pub(super) positional: Option<Box<Node>>,
}

/// Updates by name, in the order in which they happen.
pub(super) type Children = BTreeMap<FieldKey, Node>;

impl Node {
    /// Adds a modifier at a path. `used` collects the identifiers of array filters.
    ///
    /// # Errors
    /// `ConflictingUpdateOperators`; `BadValue` if there is no filter for an identifier.
    pub(super) fn insert(
        &mut self,
        path: &UpdatePath,
        modifier: usize,
        filters: &ArrayFilters,
        used: &mut BTreeSet<String>,
    ) -> Result<()> {
        let mut node = self;
        let last = path.parts().len() - 1;
        for (at, part) in path.parts().iter().enumerate() {
            if let Part::Elements(identifier) = part {
                filters.check(identifier, path)?;
                used.insert(identifier.clone());
            }
            let conflict = || {
                Code::CONFLICTING_UPDATE_OPERATORS.error(format!(
                    "Updating the path '{}' would create a conflict at '{}'",
                    path.text(),
                    path.beginning(at + 1)
                ))
            };
            let new = match path.parts().get(at + 1) {
                None => Self::Leaf(modifier),
                Some(Part::Elements(_)) => Self::Elements(Children::new()),
                Some(_) => Self::Fields(Fields::default()),
            };
            node = match node.child(part) {
                Some(Slot::Taken(child)) if at < last && child.is_like(&new) => child,
                Some(Slot::Taken(_)) | None => return Err(conflict()),
                Some(Slot::Free(insert)) => insert(new),
            };
        }
        Ok(())
    }

    /// Whether both are fields, or both elements.
    fn is_like(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Fields(_), Self::Fields(_)) | (Self::Elements(_), Self::Elements(_))
        )
    }

    fn child<'n>(&'n mut self, part: &Part) -> Option<Slot<'n>> {
        match (self, part) {
            (Self::Fields(fields), Part::Positional) => Some(match &mut fields.positional {
                Some(child) => Slot::Taken(child),
                none => Slot::Free(Box::new(|node| none.insert(Box::new(node)).as_mut())),
            }),
            (Self::Fields(Fields { children, .. }), Part::Name(name))
            | (Self::Elements(children), Part::Elements(name)) => {
                Some(match children.entry(FieldKey(name.clone())) {
                    std::collections::btree_map::Entry::Occupied(child) => {
                        Slot::Taken(child.into_mut())
                    }
                    std::collections::btree_map::Entry::Vacant(place) => {
                        Slot::Free(Box::new(|node| place.insert(node)))
                    }
                })
            }
            _ => None,
        }
    }

    /// Both updates of one value: of the element that a query matched and of that index, or of an
    /// element that matches several array filters.
    ///
    /// # Errors
    /// `ConflictingUpdateOperators` if both update one value in it. `path` is that of the value.
    pub(super) fn merged(&self, other: &Self, path: &mut Vec<String>) -> Result<Self> {
        match (self, other) {
            (Self::Fields(left), Self::Fields(right)) => {
                let positional = match (&left.positional, &right.positional) {
                    (Some(left), Some(right)) => {
                        path.push("$".to_owned());
                        let both = left.merged(right, path)?;
                        path.pop();
                        Some(Box::new(both))
                    }
                    (left, right) => left.clone().or_else(|| right.clone()),
                };
                let children =
                    merge_children(&left.children, &right.children, path, str::to_owned)?;
                Ok(Self::Fields(Fields { children, positional }))
            }
            (Self::Elements(left), Self::Elements(right)) => {
                let name = |identifier: &str| format!("$[{identifier}]");
                merge_children(left, right, path, name).map(Self::Elements)
            }
            _ => Err(Code::CONFLICTING_UPDATE_OPERATORS
                .error(format!("Update created a conflict at '{}'", path.join(".")))),
        }
    }
}

/// A place for a child.
enum Slot<'n> {
    Taken(&'n mut Node),
    Free(Box<dyn FnOnce(Node) -> &'n mut Node + 'n>),
}

fn merge_children(
    left: &Children,
    right: &Children,
    path: &mut Vec<String>,
    name: impl Fn(&str) -> String,
) -> Result<Children> {
    let mut merged = left.clone();
    for (key, right) in right {
        let both = match merged.get(key) {
            Some(left) => {
                path.push(name(&key.0));
                let both = left.merged(right, path)?;
                path.pop();
                both
            }
            None => right.clone(),
        };
        merged.insert(key.clone(), both);
    }
    Ok(merged)
}
