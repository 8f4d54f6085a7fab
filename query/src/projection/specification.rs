//! The specification of a projection as a tree.

use argon_core::Result;

use super::array::Slice;
use super::node::Computed;
use crate::Code;

/// The fields of a specification in their order.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, Item)>);

/// What is specified for a field.
#[derive(Debug)]
pub(super) enum Item {
    Fields(Fields),
    Include,
    Exclude,
    Slice(Slice),
    Positional,
    Compute(Computed),
}

impl Fields {
    /// Adds an item at a path.
    ///
    /// # Errors
    /// If the path collides with another.
    pub(super) fn add(&mut self, path: &[String], item: Item) -> Result<()> {
        self.add_rest(path, path, item)
    }

    fn add_rest(&mut self, path: &[String], rest: &[String], item: Item) -> Result<()> {
        let Some((name, deeper)) = rest.split_first() else { return Ok(()) };
        let known = self.0.iter_mut().find(|(known, _)| known == name);
        match (known, deeper.is_empty()) {
            (Some(_), true) => {
                Err(Code::location(31250).error(format!("Path collision at {}", path.join("."))))
            }
            (None, true) => {
                self.0.push((name.clone(), item));
                Ok(())
            }
            (Some((_, Item::Fields(inner))), false) => inner.add_rest(path, deeper, item),
            (Some(_), false) => Err(Code::location(31249).error(format!(
                "Path collision at {} remaining portion {}",
                path.join("."),
                path[1..].join(".")
            ))),
            (None, false) => {
                let mut inner = Self::default();
                inner.add_rest(path, deeper, item)?;
                self.0.push((name.clone(), Item::Fields(inner)));
                Ok(())
            }
        }
    }

    /// Whether fields are specified in the field at a path.
    pub(super) fn has_fields_at(&self, path: &[String]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        self.0.iter().any(|(known, item)| match item {
            Item::Fields(inner) if known == name => inner.has_fields_at(rest),
            _ => false,
        })
    }
}
