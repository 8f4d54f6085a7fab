//! Transforms the values of a document.

use bson::raw::{RawArray, RawBsonRef, RawDocument};
use bson::{RawArrayBuf, RawBson, RawDocumentBuf, RawJavaScriptCodeWithScope};

use crate::Result;
use crate::document::value::malformed;
use crate::document::{Compiler, Filter, Pattern, PatternPosition, Undecided};
use crate::model::Document;
use crate::store::mask::fake::faked;
use crate::store::mask::hash::{Secret, hashed};
use crate::store::mask::redact::redacted;
use crate::store::mask::{CollectionPolicy, Fake, Transform};

/// A compiled entry of a policy.
#[derive(Debug)]
pub(super) struct Rules {
    hide: bool,
    keep: Option<Filter>,
    /// Patterns that show values come after those that transform them, so that the first match
    /// decides.
    patterns: Vec<(Pattern, PatternEffect)>,
    default: Option<Action>,
}

/// The effect of a pattern on the values at its path.
#[derive(Debug, Clone, Copy)]
enum PatternEffect {
    Show,
    Change(Action),
}

#[derive(Debug, Clone, Copy)]
struct Action {
    transform: Transform,
    fake: Option<Fake>,
}

/// The position of a value: the progress of each pattern that may still match.
struct PathState {
    places: Vec<(usize, PatternPosition)>,
    /// Whether an ancestor is shown unchanged.
    allowed: bool,
}

/// The masked form of a value.
enum MaskedValue<'a> {
    Same(RawBsonRef<'a>),
    Other(RawBson),
    Nothing,
}

impl Rules {
    /// Compiles an entry. `escapes` says whether `\` in its paths escapes a dot.
    ///
    /// # Errors
    /// `Invalid` if the entry was not checked.
    pub(super) fn new(policy: &CollectionPolicy, escapes: bool) -> Result<Self> {
        let parse = |path: &str| if escapes { path.parse() } else { Pattern::dotted(path) };
        let queries = if escapes { Compiler::of_rule() } else { Compiler::default() };
        let masked = policy.fields.iter().map(|field| {
            let action = Action { transform: field.with, fake: field.fake };
            Ok((parse(&field.path)?, PatternEffect::Change(action)))
        });
        let allowed = policy.allowed().iter().map(|path| Ok((parse(path)?, PatternEffect::Show)));
        Ok(Self {
            hide: policy.hide,
            keep: policy.keep.as_ref().map(|keep| queries.query(keep)).transpose()?,
            patterns: masked.chain(allowed).collect::<Result<_>>()?,
            default: policy.otherwise().map(|transform| Action { transform, fake: None }),
        })
    }

    /// Whether all documents are hidden.
    pub(super) fn hides_all(&self) -> bool {
        self.hide
    }

    /// Whether some documents may be hidden.
    pub(super) fn hides_some(&self) -> bool {
        self.hide || self.keep.is_some()
    }

    /// Returns the masked form of a document; `None` if it is hidden, also if `keep` can't be
    /// evaluated on it. Fields keep their order, and unmasked values their bytes.
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded.
    pub(super) fn shown(&self, secret: &Secret, document: &Document) -> Result<Option<Document>> {
        let raw = document.as_raw();
        if self.hide || !self.keep.as_ref().map_or(Ok(true), |keep| is_kept(keep, raw))? {
            return Ok(None);
        }
        if self.patterns.is_empty() && self.default.is_none() {
            return Ok(Some(document.clone()));
        }
        let places = self.patterns.iter().map(|(pattern, _)| pattern.start()).enumerate();
        let state = PathState { places: places.collect(), allowed: false };
        let walk = DocumentWalk { rules: self, secret };
        let masked = walk.document(raw, &state, true)?;
        Document::from_stored(masked.into_bytes()).map(Some)
    }
}

impl PathState {
    /// The position of a field with this name. Patterns that hide match every reading of the name;
    /// patterns that show match the name alone.
    fn field(&self, rules: &Rules, name: &str) -> Self {
        self.below(rules, |pattern, said, place| match said {
            PatternEffect::Change(_) => pattern.next_in_any_reading(place, name),
            PatternEffect::Show => pattern.next(place, name),
        })
    }

    /// The position of an array element: by its index, and if the array is not numbered in order,
    /// by its name.
    fn element(&self, rules: &Rules, index: usize, name: &str) -> Self {
        let index = index.to_string();
        self.below(rules, |pattern, said, place| {
            let place = pattern.element(place, &index);
            match said {
                PatternEffect::Change(_) if name != index => {
                    place.or(pattern.next_in_any_reading(place, name))
                }
                _ => place,
            }
        })
    }

    fn below(
        &self,
        rules: &Rules,
        next: impl Fn(&Pattern, PatternEffect, PatternPosition) -> PatternPosition,
    ) -> Self {
        let step = |(at, place): &(usize, PatternPosition)| {
            let (pattern, said) = &rules.patterns[*at];
            let next = next(pattern, *said, *place);
            (pattern.ends_at(next) || pattern.may_match_below(next)).then_some((*at, next))
        };
        Self { places: self.places.iter().filter_map(step).collect(), allowed: self.allowed }
    }

    /// The effect of the first pattern that matches here.
    fn matched(&self, rules: &Rules) -> Option<PatternEffect> {
        let mut places = self.places.iter();
        let (at, _) = places.find(|(at, place)| rules.patterns[*at].0.ends_at(*place))?;
        Some(rules.patterns[*at].1)
    }

    /// Whether a pattern may match below.
    fn may_match_below(&self, rules: &Rules) -> bool {
        self.places.iter().any(|(at, place)| rules.patterns[*at].0.may_match_below(*place))
    }
}

/// A walk through one document.
struct DocumentWalk<'a> {
    rules: &'a Rules,
    secret: &'a Secret,
}

impl DocumentWalk<'_> {
    fn document(
        &self,
        document: &RawDocument,
        state: &PathState,
        root: bool,
    ) -> Result<RawDocumentBuf> {
        let mut out = RawDocumentBuf::new();
        // A second `_id` field is treated like any other field.
        let mut before_id = root;
        for element in document {
            let (key, value) = element.map_err(malformed)?;
            let name = key.as_str();
            if before_id && name == "_id" {
                before_id = false;
                out.append(key, value);
                continue;
            }
            match self.value(value, state.field(self.rules, name), name)? {
                MaskedValue::Same(value) => out.append(key, value),
                MaskedValue::Other(value) => out.append(key, value),
                MaskedValue::Nothing => {}
            }
        }
        Ok(out)
    }

    fn array(&self, array: &RawArray, state: &PathState, field: &str) -> Result<RawArrayBuf> {
        let mut out = RawArrayBuf::new();
        let elements = RawDocument::from_bytes(array.as_bytes()).map_err(malformed)?;
        for (index, element) in elements.into_iter().enumerate() {
            let (name, value) = element.map_err(malformed)?;
            let state = state.element(self.rules, index, name.as_str());
            push(&mut out, self.value(value, state, field)?);
        }
        Ok(out)
    }

    /// Transforms a value; `field` is the name of the field that contains it or its array.
    fn value<'v>(
        &self,
        value: RawBsonRef<'v>,
        mut state: PathState,
        field: &str,
    ) -> Result<MaskedValue<'v>> {
        match state.matched(self.rules) {
            Some(PatternEffect::Change(action)) => return self.apply(action, value, field),
            Some(PatternEffect::Show) => state.allowed = true,
            None => {}
        }
        let default = self.rules.default.filter(|_| !state.allowed);
        let inside = matches!(value, RawBsonRef::Document(_) | RawBsonRef::Array(_));
        match (default, value) {
            (Some(default), _) if !inside || !state.may_match_below(self.rules) => {
                self.apply(default, value, field)
            }
            (None, _) if !state.may_match_below(self.rules) => Ok(MaskedValue::Same(value)),
            (_, RawBsonRef::Document(document)) => {
                Ok(MaskedValue::Other(RawBson::Document(self.document(document, &state, false)?)))
            }
            (_, RawBsonRef::Array(array)) => {
                Ok(MaskedValue::Other(RawBson::Array(self.array(array, &state, field)?)))
            }
            (_, RawBsonRef::JavaScriptCodeWithScope(scoped)) => {
                let scope = self.document(scoped.scope, &state, false)?;
                let code = scoped.code.to_owned();
                let scoped = RawJavaScriptCodeWithScope { code, scope };
                Ok(MaskedValue::Other(RawBson::JavaScriptCodeWithScope(scoped)))
            }
            _ => Ok(MaskedValue::Same(value)),
        }
    }

    /// Applies an action to a value and its descendants.
    fn apply<'v>(
        &self,
        action: Action,
        value: RawBsonRef<'v>,
        field: &str,
    ) -> Result<MaskedValue<'v>> {
        let into = matches!(action.transform, Transform::Hash | Transform::Fake);
        Ok(MaskedValue::Other(match (action.transform, value) {
            (Transform::Remove, _) => return Ok(MaskedValue::Nothing),
            (Transform::Null, _) => RawBson::Null,
            (Transform::Redact, value) => redacted(value),
            (_, RawBsonRef::Document(document)) if into => {
                let mut out = RawDocumentBuf::new();
                for element in document {
                    let (key, value) = element.map_err(malformed)?;
                    if let MaskedValue::Other(value) = self.apply(action, value, key.as_str())? {
                        out.append(key, value);
                    }
                }
                RawBson::Document(out)
            }
            (_, RawBsonRef::Array(array)) if into => {
                let mut out = RawArrayBuf::new();
                for value in array {
                    push(&mut out, self.apply(action, value.map_err(malformed)?, field)?);
                }
                RawBson::Array(out)
            }
            (Transform::Hash, value) => hashed(self.secret, value),
            (Transform::Fake, value) => faked(self.secret, action.fake, field, value),
        }))
    }
}

/// Whether a document is known to match.
fn is_kept(keep: &Filter, document: &RawDocument) -> Result<bool> {
    let sees = keep.sees(document)?;
    match sees.then(|| keep.matches(document)).transpose() {
        Err(Undecided::GaveUp) => Ok(false),
        kept => Ok(kept?.unwrap_or(false)),
    }
}

fn push(array: &mut RawArrayBuf, shown: MaskedValue<'_>) {
    match shown {
        MaskedValue::Same(value) => array.push(value),
        MaskedValue::Other(value) => array.push(value),
        MaskedValue::Nothing => {}
    }
}
