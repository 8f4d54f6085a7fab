//! Applies the operators of an update to a document.

use std::collections::BTreeMap;

use argon_core::Result;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::spec::ElementType;

use super::array_filter::ArrayFilters;
use super::compile::{Leaf, Operators};
use super::node::{Children, Fields, Node};
use super::operators::{Change, Missing, Modifier, Place, Rename};
use super::path::FieldKey;
use super::tree::{Tree, index};
use super::{Target, storable, text};
use crate::Code;
use crate::expression::Context;

/// The operators of an update on their way through a document.
pub(super) struct Application<'a> {
    operators: &'a Operators,
    original: &'a RawDocument,
    tree: Tree<'a>,
    /// The index that `$` stands for.
    matched: Option<FieldKey>,
    is_insert: bool,
    context: &'a Context,
    changed: bool,
    path: Vec<String>,
}

impl<'a> Application<'a> {
    pub(super) fn new(
        operators: &'a Operators,
        original: &'a RawDocument,
        target: Target,
        context: &'a Context,
    ) -> Self {
        Self {
            operators,
            original,
            tree: Tree::of(original),
            matched: target.matched.map(|index| FieldKey(index.to_string())),
            is_insert: target.is_insert,
            context,
            changed: false,
            path: Vec::new(),
        }
    }

    /// Returns the new document; `None` if nothing changed.
    pub(super) fn run(mut self) -> Result<Option<RawDocumentBuf>> {
        let operators = self.operators;
        self.node(&operators.root)?;
        if !self.changed {
            return Ok(None);
        }
        let updated = self.tree.into_document();
        // A `$sort` of what is sorted leaves everything as it is.
        Ok((updated.as_bytes() != self.original.as_bytes()).then_some(updated))
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let operators = self.operators;
        match node {
            Node::Fields(fields) => self.fields(fields),
            Node::Elements(children) => self.elements(children),
            Node::Leaf(number) => match &operators.leaves[*number] {
                Leaf::Modifier(modifier) if modifier.is_on_insert() && !self.is_insert => Ok(()),
                Leaf::Modifier(modifier) => self.modify(modifier.as_ref()),
                Leaf::Rename(rename) => self.rename(rename),
                Leaf::RenameSource => Ok(()),
            },
        }
    }

    fn child(&mut self, name: &str, node: &Node) -> Result<()> {
        self.path.push(name.to_owned());
        let result = self.node(node);
        self.path.pop();
        result
    }

    fn fields(&mut self, fields: &Fields) -> Result<()> {
        // The element that `$` stands for, until it is updated, in the order of names.
        let mut positional = match &fields.positional {
            None => None,
            Some(node) => Some((self.matched.clone().ok_or_else(no_match)?, node)),
        };
        for (name, node) in &fields.children {
            match positional.take() {
                Some((matched, same)) if matched == *name => {
                    self.path.push(name.0.clone());
                    let both = same.merged(node, &mut self.path);
                    self.path.pop();
                    self.child(&name.0, &both?)?;
                    continue;
                }
                // The server compares these by their bytes.
                Some((matched, before)) if matched.0 < name.0 => self.child(&matched.0, before)?,
                other => positional = other,
            }
            self.child(&name.0, node)?;
        }
        match positional {
            Some((matched, node)) => self.child(&matched.0, node),
            None => Ok(()),
        }
    }

    /// Updates the elements of an array that match filters. Which ones they are is found first.
    fn elements(&mut self, children: &Children) -> Result<()> {
        let positions = self.tree.locate(&self.path)?;
        if positions.len() < self.path.len() {
            return Err(Code::BAD_VALUE.error(format!(
                "The path '{}' must exist in the document in order to apply array updates.",
                self.path.join(".")
            )));
        }
        let array = self.tree.at(&positions);
        let Some(elements) = array.elements()? else {
            let name = self.path.last().map_or("", String::as_str);
            return Err(Code::BAD_VALUE.error(format!(
                "Cannot apply array updates to non-array element {}",
                text::element(name, &array.value())
            )));
        };
        let updates = matching(elements, children, &self.operators.filters)?;
        for (at, nodes) in updates {
            let name = at.to_string();
            let Some((first, others)) = nodes.split_first() else { continue };
            if others.is_empty() {
                self.child(&name, first)?;
                continue;
            }
            self.path.push(name.clone());
            let merged = others
                .iter()
                .try_fold((*first).clone(), |merged, node| merged.merged(node, &mut self.path));
            self.path.pop();
            self.child(&name, &merged?)?;
        }
        Ok(())
    }

    /// Applies a modifier at the current path.
    fn modify(&mut self, modifier: &'a dyn Modifier) -> Result<()> {
        let positions = self.tree.locate(&self.path)?;
        if positions.len() == self.path.len() {
            let value = self.tree.at(&positions);
            let place = Place { path: &self.path, original: self.original, context: self.context };
            match modifier.update(value, &place)? {
                Change::Nothing => return Ok(()),
                Change::Removed => self.tree.remove(&positions),
                Change::Updated if modifier.adds_values() => self.check(&positions)?,
                Change::Updated => {}
            }
            return self.changed_existing();
        }
        match modifier.create(self.context)? {
            Missing::Ignore => Ok(()),
            Missing::IgnoreIfViable => self.check_viable(&positions),
            Missing::Create(value) => self.create(&positions, value),
        }
    }

    /// Notes that the value at the current path was changed, which `_id` and what is in it must not
    /// be.
    fn changed_existing(&mut self) -> Result<()> {
        self.changed = true;
        if self.path.first().is_some_and(|name| name == "_id") {
            return Err(Code::IMMUTABLE_FIELD.error(format!(
                "Performing an update on the path '{}' would modify the immutable field '_id'",
                self.path.join(".")
            )));
        }
        Ok(())
    }

    /// Creates the value at the current path, of which the positions are what exists.
    fn create(&mut self, positions: &[usize], value: Tree<'a>) -> Result<()> {
        self.tree.create(&self.path, positions, value)?;
        self.changed = true;
        let created = self.tree.locate(&self.path)?;
        self.check(&created)?;
        if !positions.is_empty() && self.path[0] == "_id" {
            return Err(Code::IMMUTABLE_FIELD.error(format!(
                "Updating the path '{}' to {} would modify the immutable field '_id'",
                self.path[..positions.len()].join("."),
                text::element("_id", &self.tree.at(&created[..1]).value())
            )));
        }
        Ok(())
    }

    /// Checks that a value can be stored; a new document is checked as a whole when it is complete.
    fn check(&mut self, positions: &[usize]) -> Result<()> {
        if self.is_insert {
            return Ok(());
        }
        storable::check_depth(&self.tree.at(positions).value(), self.path.len())?;
        match positions.first() {
            Some(first) if self.path[0].starts_with('$') => {
                storable::check_name(self.tree.fields()?.map_or(&[], |fields| fields), *first)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the value at the current path could be created.
    fn check_viable(&mut self, positions: &[usize]) -> Result<()> {
        let missing = &self.path[positions.len()];
        let parent = self.tree.at(positions);
        let viable = match parent.element_type() {
            ElementType::EmbeddedDocument => true,
            ElementType::Array => index(missing).is_some(),
            _ => false,
        };
        if viable {
            return Ok(());
        }
        let name = positions.len().checked_sub(1).map_or("", |last| self.path[last].as_str());
        Err(Code::PATH_NOT_VIABLE.error(format!(
            "Cannot use the part ({missing}) of ({}) to traverse the element ({{{}}})",
            self.path.join("."),
            text::element(name, &parent.value())
        )))
    }

    /// Moves a value to the current path.
    fn rename(&mut self, rename: &Rename) -> Result<()> {
        let Some(from) = self.source(&rename.from)? else { return Ok(()) };
        let to = self.tree.locate(&self.path)?;
        let parents = to.len().min(self.path.len() - 1);
        self.check_no_array("destination", &self.path.clone(), &to[..parents])?;
        let value = Tree::Owned(self.tree.at(&from).value().into_bson());
        if to.len() == self.path.len() {
            *self.tree.at(&to) = value;
            self.check(&to)?;
            self.changed_existing()?;
        } else {
            self.create(&to, value)?;
        }
        // New fields come last, so that the source is where it was.
        self.tree.remove(&from);
        let path = std::mem::replace(&mut self.path, rename.from.clone());
        let result = self.changed_existing();
        self.path = path;
        result
    }

    /// Finds the value that is moved; `None` if there is none.
    fn source(&mut self, path: &[String]) -> Result<Option<Vec<usize>>> {
        let from = self.tree.locate(path)?;
        if from.len() == path.len() {
            self.check_no_array("source", path, &from[..from.len() - 1])?;
            return Ok(Some(from));
        }
        let Some(last) = from.len().checked_sub(1) else { return Ok(None) };
        let parent = self.tree.at(&from);
        let viable = match parent.element_type() {
            ElementType::EmbeddedDocument => true,
            ElementType::Array => index(&path[from.len()]).is_some(),
            _ => false,
        };
        if viable {
            return Ok(None);
        }
        Err(Code::PATH_NOT_VIABLE.error(format!(
            "cannot use the part ({} of {}) to traverse the element ({{{}}})",
            path[last],
            path.join("."),
            text::element(&path[last], &parent.value())
        )))
    }

    /// Checks that no value on a path is an array.
    fn check_no_array(&mut self, end: &str, path: &[String], positions: &[usize]) -> Result<()> {
        for length in 1..=positions.len() {
            if self.tree.at(&positions[..length]).element_type() == ElementType::Array {
                return Err(Code::BAD_VALUE.error(format!(
                    "The {end} field cannot be an array element, '{}' in doc with {} has an array \
                     field called '{}'",
                    path.join("."),
                    text::id(self.original),
                    path[length - 1]
                )));
            }
        }
        Ok(())
    }
}

/// The updates of each element whose filter it matches.
fn matching<'n>(
    elements: &[Tree<'_>],
    children: &'n Children,
    filters: &ArrayFilters,
) -> Result<BTreeMap<usize, Vec<&'n Node>>> {
    let mut updates: BTreeMap<usize, Vec<&Node>> = BTreeMap::new();
    for (at, element) in elements.iter().enumerate() {
        let element = element.value();
        let Some(element) = element.get() else { continue };
        for (identifier, node) in children {
            if filters.matches(&identifier.0, element)? {
                updates.entry(at).or_default().push(node);
            }
        }
    }
    Ok(updates)
}

fn no_match() -> argon_core::Error {
    Code::BAD_VALUE.error("The positional operator did not find the match needed from the query.")
}
