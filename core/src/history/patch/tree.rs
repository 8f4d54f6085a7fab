//! An edit as a tree, by the structure of the document.

use std::collections::{HashMap, HashSet};

use super::{Edit, FieldEdit, OrderEdit};
use crate::document::Path;
use crate::document::value::NewValue;
use crate::model::MAX_DEPTH;
use crate::{Error, Result};

/// The changes of a value and its members.
#[derive(Default)]
pub(super) struct Node<'e> {
    /// The change of the value as a whole; it has no children then.
    pub(super) whole: Option<Whole<'e>>,
    /// The names of the changed fields, in the order of the edit.
    pub(super) names: Vec<&'e str>,
    children: HashMap<&'e str, Node<'e>>,
    pub(super) order: Option<&'e OrderEdit>,
}

/// The change of a whole value.
pub(super) struct Whole<'e> {
    pub(super) edit: &'e FieldEdit,
    pub(super) before: Option<NewValue>,
    pub(super) after: Option<NewValue>,
}

impl<'e> Node<'e> {
    /// Builds the tree of an edit.
    ///
    /// # Errors
    /// `Invalid` in the cases that [`Edit::new`] names.
    pub(super) fn of(edit: &'e Edit) -> Result<Self> {
        let mut root = Self::default();
        for field in edit.fields() {
            let (before, after) = (&field.before, &field.after);
            if before.is_none() && after.is_none() {
                return Err(wrong(&field.path, "has no value before and after"));
            }
            let node = root.below(&field.path)?;
            if node.whole.is_some() || !node.names.is_empty() || node.order.is_some() {
                return Err(wrong(&field.path, "is changed twice"));
            }
            let [before, after] = [before, after].map(|value| value.as_ref().map(NewValue::of));
            node.whole = Some(Whole { edit: field, before, after });
        }
        for order in edit.orders() {
            check_order(order)?;
            let node = root.below(&order.path)?;
            if node.whole.is_some() || node.order.is_some() {
                return Err(wrong(&order.path, "is changed twice"));
            }
            node.order = Some(order);
        }
        Ok(root)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Node<'e>> {
        self.children.get(name)
    }

    fn below(&mut self, path: &'e Path) -> Result<&mut Self> {
        if path.names().len() > MAX_DEPTH {
            return Err(Error::invalid(format!("a path has more than {MAX_DEPTH} keys")));
        }
        let mut node = self;
        for key in path.names() {
            if node.whole.is_some() {
                return Err(wrong(path, "leads into a value that is changed as a whole"));
            }
            if key.contains('\0') {
                return Err(wrong(
                    path,
                    "contains a NUL character, which is not allowed in a field name",
                ));
            }
            if !node.children.contains_key(key) {
                node.names.push(key);
            }
            node = node.children.entry(key).or_default();
        }
        Ok(node)
    }
}

fn check_order(order: &OrderEdit) -> Result<()> {
    let [before, after] = [&order.before, &order.after]
        .map(|names| names.iter().map(String::as_str).collect::<HashSet<_>>());
    if before != after || before.len() != order.before.len() || after.len() != order.after.len() {
        return Err(wrong(&order.path, "has an order with different names before and after"));
    }
    Ok(())
}

fn wrong(path: &Path, problem: &str) -> Error {
    Error::invalid(format!("the path {path} {problem}"))
}
