//! Compiles the operators of an update.

use std::collections::BTreeSet;

use argon_core::Result;
use bson::{Bson, Document};

use super::array_filter::ArrayFilters;
use super::node::{Fields, Node};
use super::operators::{Modifier, OPERATORS, Rename};
use super::path::{Part, UpdatePath};
use super::update_operators;
use crate::Code;
use crate::expression::Compiler;
use crate::message::suggestion;

/// The operators of an update.
#[derive(Debug)]
pub(super) struct Operators {
    pub(super) root: Node,
    pub(super) leaves: Vec<Leaf>,
    pub(super) filters: ArrayFilters,
    /// Whether a path has a `$`.
    pub(super) is_positional: bool,
}

/// What happens at the end of a path.
#[derive(Debug)]
pub(super) enum Leaf {
    Modifier(Box<dyn Modifier>),
    /// A value is moved to here.
    Rename(Rename),
    /// A value is moved from here; nothing else may change it.
    RenameSource,
}

impl Operators {
    /// Compiles a document whose fields are operators.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub(super) fn compile(update: &Document, filters: ArrayFilters) -> Result<Self> {
        let root = Node::Fields(Fields::default());
        let mut operators = Self { root, leaves: Vec::new(), filters, is_positional: false };
        let mut used = BTreeSet::new();
        for (operator, argument) in update {
            let rename = operator == "$rename";
            let compile = OPERATORS.iter().find(|(name, _)| name == operator);
            if compile.is_none() && !rename {
                return Err(Code::FAILED_TO_PARSE.error(format!(
                    "Unknown modifier: {operator}. Expected a valid update modifier or \
                     pipeline-style update specified as an array{}",
                    suggestion(operator, update_operators())
                )));
            }
            for (field, value) in fields(operator, argument)? {
                let path = UpdatePath::parse(field)?;
                let Some((_, compile)) = compile else {
                    operators.insert(&path, Leaf::RenameSource, &mut used)?;
                    let (rename, to) = Rename::compile(&path, value)?;
                    operators.insert(&to, Leaf::Rename(rename), &mut used)?;
                    continue;
                };
                let modifier = compile(field, value)?;
                operators.insert(&path, Leaf::Modifier(modifier), &mut used)?;
            }
        }
        operators.filters.check_used(&used, update)?;
        Ok(operators)
    }

    fn insert(&mut self, path: &UpdatePath, leaf: Leaf, used: &mut BTreeSet<String>) -> Result<()> {
        self.root.insert(path, self.leaves.len(), &self.filters, used)?;
        self.leaves.push(leaf);
        self.is_positional |= path.parts().contains(&Part::Positional);
        Ok(())
    }
}

fn fields<'u>(operator: &str, argument: &'u Bson) -> Result<&'u Document> {
    argument.as_document().ok_or_else(|| {
        Code::FAILED_TO_PARSE.error(format!(
            "Modifiers operate on fields but we found type {} instead. For example: {{$mod: \
             {{<field>: ...}}}} not {{{operator}: {argument}}}",
            Compiler::type_name(argument)
        ))
    })
}
