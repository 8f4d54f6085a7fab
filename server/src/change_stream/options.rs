//! The arguments of `$changeStream`, and the stages after it.

use std::sync::Arc;

use argon_query::pipeline::{Options, Pipeline};
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Document, Timestamp};

use super::token::Token;
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};

/// The stages that may follow `$changeStream`.
const STAGES: [&str; 8] = [
    "$addFields",
    "$match",
    "$project",
    "$redact",
    "$replaceRoot",
    "$replaceWith",
    "$set",
    "$unset",
];
const SPLIT: &str = "$changeStreamSplitLargeEvent";

/// When an event has a document besides what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    Never,
    Always,
}

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Now,
    At(Timestamp),
    After(Token),
}

/// What a stream was asked for.
pub(crate) struct StreamOptions {
    /// Whether an update has the document as it is after that.
    pub(super) after: Images,
    /// Whether an event has the document before it.
    pub(super) before: Images,
    /// Whether there are events of the creation and the options of collections, and of indexes.
    pub(super) is_expanded: bool,
    /// Whether the stream is of all databases.
    pub(crate) is_of_cluster: bool,
    pub(super) start: Start,
    /// The stages on the events.
    pub(super) pipeline: Option<Arc<Pipeline>>,
    /// Whether large events are split.
    pub(super) splits: bool,
}

/// Whether a pipeline is a change stream.
pub(crate) fn is_change_stream(stages: &[Document]) -> bool {
    stages
        .first()
        .is_some_and(|stage| stage.keys().next().is_some_and(|name| name == "$changeStream"))
}

impl StreamOptions {
    /// Reads a pipeline that [is a change stream](is_change_stream).
    pub(crate) fn parse(stages: &[Document], options: &Options) -> Result<Self> {
        let Some((first, rest)) = stages.split_first() else {
            return Err(CommandError::failed_to_parse("an empty pipeline is no change stream"));
        };
        let Ok(first) = first.get_document("$changeStream") else {
            return Err(CommandError::failed_to_parse(
                "the $changeStream stage must be specified as an object",
            ));
        };
        let first = RawDocumentBuf::try_from(first)?;
        let arguments = Arguments::new("$changeStream", &first);
        let known = [
            "allChangesForCluster",
            "fullDocument",
            "fullDocumentBeforeChange",
            "resumeAfter",
            "showExpandedEvents",
            "startAfter",
            "startAtOperationTime",
        ];
        arguments.check_known(&known, false)?;
        let (rest, splits) = match rest.split_last() {
            Some((last, rest)) if last.contains_key(SPLIT) => (rest, true),
            _ => (rest, false),
        };
        check_stages(rest)?;
        let pipeline = match rest {
            [] => None,
            rest => Some(Arc::new(Pipeline::compile(rest, options)?)),
        };
        Ok(Self {
            after: images(
                arguments,
                "fullDocument",
                &["default"],
                &["updateLookup", "whenAvailable", "required"],
            )?,
            before: images(
                arguments,
                "fullDocumentBeforeChange",
                &["off"],
                &["whenAvailable", "required"],
            )?,
            is_expanded: arguments.is_set("showExpandedEvents")?,
            is_of_cluster: arguments.is_set("allChangesForCluster")?,
            start: start(arguments)?,
            pipeline,
            splits,
        })
    }
}

fn check_stages(stages: &[Document]) -> Result<()> {
    for stage in stages {
        let name = stage.keys().next().map(String::as_str).unwrap_or_default();
        if name == SPLIT {
            return Err(CommandError::new(
                7_182_802,
                format!("{SPLIT} must be the last stage in the pipeline"),
            ));
        }
        // What is no stage at all is refused by the pipeline.
        if !STAGES.contains(&name) && name.starts_with('$') {
            return Err(CommandError::illegal(format!(
                "{name} is not permitted in a $changeStream pipeline: only {} and {SPLIT} are",
                STAGES.join(", ")
            )));
        }
    }
    Ok(())
}

fn images(arguments: Arguments<'_>, name: &str, never: &[&str], always: &[&str]) -> Result<Images> {
    match arguments.text(name)? {
        None => Ok(Images::Never),
        Some(text) if never.contains(&text) => Ok(Images::Never),
        Some(text) if always.contains(&text) => Ok(Images::Always),
        Some(text) => Err(CommandError::bad_value(format!(
            "Enumeration value '{text}' for field '$changeStream.{name}' is not a valid value: expected one of {}",
            [never, always].concat().join(", ")
        ))),
    }
}

fn start(arguments: Arguments<'_>) -> Result<Start> {
    let resume = arguments.raw_document("resumeAfter")?;
    let start = arguments.raw_document("startAfter")?;
    let time = match arguments.value("startAtOperationTime")? {
        None => None,
        Some(RawBsonRef::Timestamp(time)) => Some(time),
        Some(_) => {
            return Err(CommandError::type_mismatch(
                "BSON field '$changeStream.startAtOperationTime' is the wrong type, expected type 'timestamp'",
            ));
        }
    };
    let token = |token: &RawDocument| Token::decode(token);
    match (resume, start, time) {
        (None, None, None) => Ok(Start::Now),
        (None, None, Some(time)) => Ok(Start::At(time)),
        (None, Some(start), None) => Ok(Start::After(token(start)?)),
        (Some(resume), None, None) => match token(resume)? {
            Token { is_end: true, .. } => Err(CommandError::new(
                260,
                "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate \
                 notification: use 'startAfter'",
            )),
            token => Ok(Start::After(token)),
        },
        (Some(_), Some(_), _) => Err(CommandError::new(
            50674,
            "Do not specify both 'resumeAfter' and 'startAfter' in a $changeStream stage",
        )),
        (..) => Err(CommandError::new(
            40674,
            "Only one type of resume option is allowed, but multiple were found",
        )),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn refused(stages: &[Document]) -> u32 {
        match StreamOptions::parse(stages, &Options::default()) {
            Ok(_) => panic!("{stages:?} was accepted"),
            Err(error) => error.code(),
        }
    }

    #[test]
    fn stages_that_do_not_keep_events_are_refused() {
        assert_eq!(refused(&[doc! { "$changeStream": {} }, doc! { "$group": { "_id": 1 } }]), 20);
        assert_eq!(refused(&[doc! { "$changeStream": {} }, doc! { "$sort": { "_id": 1 } }]), 20);
        let split = doc! { SPLIT: {} };
        assert_eq!(
            refused(&[doc! { "$changeStream": {} }, split, doc! { "$match": {} }]),
            7_182_802
        );
    }

    #[test]
    fn arguments_are_checked() {
        let token = doc! { "_data": "00" };
        for (arguments, code) in [
            (doc! { "fullDocument": "never" }, 2),
            (doc! { "fullDocumentBeforeChange": "updateLookup" }, 2),
            (doc! { "unknown": 1 }, 40415),
            (doc! { "resumeAfter": { "_data": "zz" } }, 260),
            (doc! { "resumeAfter": token.clone(), "startAfter": token.clone() }, 50674),
            (
                doc! { "resumeAfter": token, "startAtOperationTime": Timestamp { time: 1, increment: 1 } },
                40674,
            ),
            (doc! { "startAtOperationTime": 1 }, 14),
        ] {
            assert_eq!(
                refused(&[doc! { "$changeStream": arguments.clone() }]),
                code,
                "{arguments}"
            );
        }
    }
}
