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
    patterns: Vec<(Pattern, Said)>,
    default: Option<Action>,
}

/// The effect of a pattern on the values at its path.
#[derive(Debug, Clone, Copy)]
enum Said {
    Show,
    Change(Action),
}

#[derive(Debug, Clone, Copy)]
struct Action {
    transform: Transform,
    fake: Option<Fake>,
}

/// The position of a value: the progress of each pattern that may still match.
struct Spot {
    places: Vec<(usize, PatternPosition)>,
    /// Whether an ancestor is shown unchanged.
    allowed: bool,
}

/// The masked form of a value.
enum Shown<'a> {
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
            Ok((parse(&field.path)?, Said::Change(action)))
        });
        let allowed = policy.allowed().iter().map(|path| Ok((parse(path)?, Said::Show)));
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
        let spot = Spot { places: places.collect(), allowed: false };
        let walk = DocumentWalk { rules: self, secret };
        let masked = walk.document(raw, &spot, true)?;
        Document::from_stored(masked.into_bytes()).map(Some)
    }
}

impl Spot {
    /// The position of a field with this name. Patterns that hide match every reading of the name;
    /// patterns that show match the name alone.
    fn field(&self, rules: &Rules, name: &str) -> Self {
        self.below(rules, |pattern, said, place| match said {
            Said::Change(_) => pattern.next_in_any_reading(place, name),
            Said::Show => pattern.next(place, name),
        })
    }

    /// The position of an array element: by its index, and if the array is not numbered in order,
    /// by its name.
    fn element(&self, rules: &Rules, index: usize, name: &str) -> Self {
        let index = index.to_string();
        self.below(rules, |pattern, said, place| {
            let place = pattern.element(place, &index);
            match said {
                Said::Change(_) if name != index => {
                    place.or(pattern.next_in_any_reading(place, name))
                }
                _ => place,
            }
        })
    }

    fn below(
        &self,
        rules: &Rules,
        next: impl Fn(&Pattern, Said, PatternPosition) -> PatternPosition,
    ) -> Self {
        let step = |(at, place): &(usize, PatternPosition)| {
            let (pattern, said) = &rules.patterns[*at];
            let next = next(pattern, *said, *place);
            (pattern.ends_at(next) || pattern.goes_on(next)).then_some((*at, next))
        };
        Self { places: self.places.iter().filter_map(step).collect(), allowed: self.allowed }
    }

    /// The effect of the first pattern that matches here.
    fn matched(&self, rules: &Rules) -> Option<Said> {
        let mut places = self.places.iter();
        let (at, _) = places.find(|(at, place)| rules.patterns[*at].0.ends_at(*place))?;
        Some(rules.patterns[*at].1)
    }

    /// Whether a pattern may match below.
    fn goes_on(&self, rules: &Rules) -> bool {
        self.places.iter().any(|(at, place)| rules.patterns[*at].0.goes_on(*place))
    }
}

/// A walk through one document.
struct DocumentWalk<'a> {
    rules: &'a Rules,
    secret: &'a Secret,
}

impl DocumentWalk<'_> {
    fn document(&self, document: &RawDocument, spot: &Spot, root: bool) -> Result<RawDocumentBuf> {
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
            match self.value(value, spot.field(self.rules, name), name)? {
                Shown::Same(value) => out.append(key, value),
                Shown::Other(value) => out.append(key, value),
                Shown::Nothing => {}
            }
        }
        Ok(out)
    }

    fn array(&self, array: &RawArray, spot: &Spot, field: &str) -> Result<RawArrayBuf> {
        let mut out = RawArrayBuf::new();
        let elements = RawDocument::from_bytes(array.as_bytes()).map_err(malformed)?;
        for (index, element) in elements.into_iter().enumerate() {
            let (name, value) = element.map_err(malformed)?;
            let spot = spot.element(self.rules, index, name.as_str());
            push(&mut out, self.value(value, spot, field)?);
        }
        Ok(out)
    }

    /// Transforms a value; `field` is the name of the field that contains it or its array.
    fn value<'v>(&self, value: RawBsonRef<'v>, mut spot: Spot, field: &str) -> Result<Shown<'v>> {
        match spot.matched(self.rules) {
            Some(Said::Change(action)) => return self.apply(action, value, field),
            Some(Said::Show) => spot.allowed = true,
            None => {}
        }
        let default = self.rules.default.filter(|_| !spot.allowed);
        let inside = matches!(value, RawBsonRef::Document(_) | RawBsonRef::Array(_));
        match (default, value) {
            (Some(default), _) if !inside || !spot.goes_on(self.rules) => {
                self.apply(default, value, field)
            }
            (None, _) if !spot.goes_on(self.rules) => Ok(Shown::Same(value)),
            (_, RawBsonRef::Document(document)) => {
                Ok(Shown::Other(RawBson::Document(self.document(document, &spot, false)?)))
            }
            (_, RawBsonRef::Array(array)) => {
                Ok(Shown::Other(RawBson::Array(self.array(array, &spot, field)?)))
            }
            (_, RawBsonRef::JavaScriptCodeWithScope(scoped)) => {
                let scope = self.document(scoped.scope, &spot, false)?;
                let code = scoped.code.to_owned();
                let scoped = RawJavaScriptCodeWithScope { code, scope };
                Ok(Shown::Other(RawBson::JavaScriptCodeWithScope(scoped)))
            }
            _ => Ok(Shown::Same(value)),
        }
    }

    /// Applies an action to a value and its descendants.
    fn apply<'v>(&self, action: Action, value: RawBsonRef<'v>, field: &str) -> Result<Shown<'v>> {
        let into = matches!(action.transform, Transform::Hash | Transform::Fake);
        Ok(Shown::Other(match (action.transform, value) {
            (Transform::Remove, _) => return Ok(Shown::Nothing),
            (Transform::Null, _) => RawBson::Null,
            (Transform::Redact, value) => redacted(value),
            (_, RawBsonRef::Document(document)) if into => {
                let mut out = RawDocumentBuf::new();
                for element in document {
                    let (key, value) = element.map_err(malformed)?;
                    if let Shown::Other(value) = self.apply(action, value, key.as_str())? {
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

fn push(array: &mut RawArrayBuf, shown: Shown<'_>) {
    match shown {
        Shown::Same(value) => array.push(value),
        Shown::Other(value) => array.push(value),
        Shown::Nothing => {}
    }
}
