//! Translates MongoDB's schema for `jsonschema`.
//!
//! Keywords that depend on BSON are moved into a table of [`Rule`]s, and the schema gets the
//! keyword [`RULES`] with their indexes instead. All others are copied; draft 4's own schema checks
//! their values when the result is compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Bson, Document};
use jsonschema::{Draft, Keyword, Validator};
use serde_json::{Map, Value};

use super::instance::BsonValues;
use super::keywords::{Bound, Canonical, Rule, Rules, Type};
use super::patterns::{Fields, GaveUp, Others, Text};
use crate::document::{Refused, Regex};

/// The keyword that replaces those that depend on BSON.
const RULES: &str = "argonRules";

/// The root of the schema, in the location of a problem.
const ROOT: &str = "the schema";

/// The problem of a schema, with its location.
type Problem = String;

/// A schema for `jsonschema`.
pub(super) struct Compiled {
    pub(super) validator: Validator<BsonValues>,
    /// Set when a pattern exceeded its time limit.
    pub(super) gave_up: GaveUp,
    /// Unsupported keywords, which are omitted.
    pub(super) unknown: Vec<String>,
}

/// Compiles a schema.
pub(super) fn compile(schema: &Document) -> Result<Compiled, Problem> {
    let gave_up = GaveUp::default();
    let mut unknown = Vec::new();
    let validator = compile_at(schema, ROOT, &gave_up, &mut unknown)?;
    Ok(Compiled { validator, gave_up, unknown })
}

fn compile_at(
    schema: &Document,
    at: &str,
    gave_up: &GaveUp,
    unknown: &mut Vec<String>,
) -> Result<Validator<BsonValues>, Problem> {
    let mut compiler = Compiler { rules: Vec::new(), gave_up, unknown };
    let schema = compiler.schema(schema, at)?;
    let rules: Arc<[Arc<Rule>]> = compiler.rules.into();
    jsonschema::options_for::<BsonValues>()
        .with_draft(Draft::Draft4)
        .with_keyword(RULES, move |_, numbers: &Value, _| {
            let numbers = numbers.as_array().into_iter().flatten().filter_map(Value::as_u64);
            let rules = numbers
                .filter_map(|number| rules.get(usize::try_from(number).ok()?).cloned())
                .collect();
            Ok(Box::new(Rules(rules)) as Box<dyn for<'i> Keyword<'i, BsonValues>>)
        })
        .build(&schema)
        .map_err(|error| format!("{} at {}", error, dotted(&error.instance_path().to_string())))
}

/// Converts a JSON pointer to a dotted path.
fn dotted(pointer: &str) -> String {
    match pointer.trim_start_matches('/') {
        "" => ROOT.to_owned(),
        path => path.replace('/', "."),
    }
}

struct Compiler<'a> {
    rules: Vec<Arc<Rule>>,
    gave_up: &'a GaveUp,
    unknown: &'a mut Vec<String>,
}

impl Compiler<'_> {
    fn schema(&mut self, schema: &Document, at: &str) -> Result<Value, Problem> {
        if schema.contains_key("type") && schema.contains_key("bsonType") {
            return Err(format!("{at} has both type and bsonType; use one of them"));
        }
        for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
        {
            if schema.contains_key(exclusive) && !schema.contains_key(limit) {
                return Err(format!("{at} has {exclusive} without {limit}; add the limit"));
            }
        }
        let mut compiled = Map::new();
        let mut own = Vec::new();
        for (keyword, value) in schema {
            let inside = if at == ROOT { keyword.clone() } else { format!("{at}.{keyword}") };
            if self.is_pattern(schema, keyword, value, &inside, &mut own)? {
                continue;
            }
            match rule(schema, keyword, value, &inside)? {
                Some(rule) => {
                    own.push(Value::from(self.rules.len()));
                    self.rules.push(Arc::new(rule));
                }
                None => {
                    if let Some(value) = self.keyword(keyword, value, &inside)? {
                        compiled.insert(keyword.clone(), value);
                    }
                }
            }
        }
        if !own.is_empty() {
            compiled.insert(RULES.to_owned(), Value::Array(own));
        }
        Ok(Value::Object(compiled))
    }

    /// Handles a keyword with regular expressions, together with `additionalProperties`.
    fn is_pattern(
        &mut self,
        schema: &Document,
        keyword: &str,
        value: &Bson,
        at: &str,
        own: &mut Vec<Value>,
    ) -> Result<bool, Problem> {
        let rule = match (keyword, value) {
            ("pattern", Bson::String(pattern)) => match Regex::compile(pattern, "") {
                Ok(pattern) => Some(Rule::Text(Text::new(pattern, self.gave_up))),
                Err(refused) => {
                    self.leave_out(refused, at)?;
                    None
                }
            },
            ("patternProperties", Bson::Document(patterns)) => {
                self.fields(schema, patterns, at)?.map(Rule::Fields)
            }
            // It applies to fields that no pattern matches, so it is handled with the patterns.
            ("additionalProperties", _) => {
                return Ok(matches!(schema.get("patternProperties"), Some(Bson::Document(_))));
            }
            _ => return Ok(false),
        };
        if let Some(rule) = rule {
            own.push(Value::from(self.rules.len()));
            self.rules.push(Arc::new(rule));
        }
        Ok(true)
    }

    /// Records an unsupported pattern.
    fn leave_out(&mut self, refused: Refused, at: &str) -> Result<(), Problem> {
        match refused {
            Refused::Extension(error) => Err(format!("{at} is malformed: {}", error.message())),
            Refused::Malformed(what) => Err(format!("{at} is malformed: {what}")),
            unknown @ (Refused::Unknown(_) | Refused::Operator(_)) => {
                self.unknown.push(format!("{} at {at}", unknown.into_words()));
                Ok(())
            }
        }
    }

    /// Compiles `patternProperties` with the `additionalProperties` of the same schema; `None` if a
    /// pattern is unsupported, because it is then unknown which fields are additional.
    fn fields(
        &mut self,
        schema: &Document,
        patterns: &Document,
        at: &str,
    ) -> Result<Option<Fields>, Problem> {
        let mut compiled = Vec::with_capacity(patterns.len());
        for (pattern, inner) in patterns {
            let inside = format!("{at}.{pattern}");
            let Bson::Document(inner) = inner else {
                return Err(format!("invalid schema {inside}: expected a schema, found {inner}"));
            };
            let inner = compile_at(inner, &inside, self.gave_up, self.unknown)?;
            match Regex::compile(pattern, "") {
                Ok(pattern) => compiled.push((Text::new(pattern, self.gave_up), inner)),
                Err(refused) => self.leave_out(refused, at)?,
            }
        }
        let named = schema.get_document("properties").map(|named| named.keys().cloned().collect());
        let others = match schema.get("additionalProperties") {
            None | Some(Bson::Boolean(true)) => Others::Any,
            Some(Bson::Boolean(false)) => Others::None,
            Some(Bson::Document(inner)) => {
                let inside = format!("{at}.additionalProperties");
                Others::Suit(compile_at(inner, &inside, self.gave_up, self.unknown)?)
            }
            Some(other) => {
                return Err(format!(
                    "invalid additionalProperties: expected a schema or a boolean, found {other}"
                ));
            }
        };
        // An omitted keyword inside a pattern's schema only makes that schema weaker.
        if compiled.len() < patterns.len() {
            return Ok(None);
        }
        Ok(Some(Fields::new(named.unwrap_or_default(), compiled, others)))
    }

    /// Translates any other keyword with its value; `None` if it belongs to a rule or is omitted.
    fn keyword(&mut self, keyword: &str, value: &Bson, at: &str) -> Result<Option<Value>, Problem> {
        let unknown = self.unknown.len();
        let value = match keyword {
            "uniqueItems" => return Ok(None),
            "encrypt" | "encryptMetadata" => {
                self.unknown.push(format!("the keyword {keyword} at {at}"));
                return Ok(None);
            }
            "exclusiveMinimum" | "exclusiveMaximum" => {
                boolean(value, at)?;
                return Ok(None);
            }
            "not"
            | "additionalProperties"
            | "additionalItems"
            | "items"
            | "allOf"
            | "anyOf"
            | "oneOf" => self.subschemas(value, at)?,
            "properties" | "patternProperties" | "dependencies" => self.by_field(value, at)?,
            "required" | "minProperties" | "maxProperties" | "minItems" | "maxItems"
            | "minLength" | "maxLength" | "pattern" | "multipleOf" | "title" | "description" => {
                plain(value)
            }
            _ => return Err(refusal(keyword, at)),
        };
        // Here an omitted keyword would refuse more, not less.
        let refuses = matches!(keyword, "not" | "oneOf") && self.unknown.len() > unknown;
        Ok((!refuses).then_some(value))
    }

    /// Translates one or several schemas; draft 4 rejects other values.
    fn subschemas(&mut self, value: &Bson, at: &str) -> Result<Value, Problem> {
        match value {
            Bson::Document(schema) => self.schema(schema, at),
            Bson::Array(schemas) => schemas
                .iter()
                .enumerate()
                .map(|(place, schema)| match schema {
                    Bson::Document(schema) => self.schema(schema, &format!("{at}.{place}")),
                    other => Ok(plain(other)),
                })
                .collect(),
            other => Ok(plain(other)),
        }
    }

    /// Translates schemas by field or pattern; a dependency may also be a list of fields.
    fn by_field(&mut self, value: &Bson, at: &str) -> Result<Value, Problem> {
        let Bson::Document(schemas) = value else { return Ok(plain(value)) };
        let compiled: Result<Map<String, Value>, Problem> = schemas
            .iter()
            .map(|(field, schema)| {
                let schema = match schema {
                    Bson::Document(schema) => self.schema(schema, &format!("{at}.{field}"))?,
                    other => plain(other),
                };
                Ok((field.clone(), schema))
            })
            .collect();
        compiled.map(Value::Object)
    }
}

/// Translates a keyword to a rule, if it is one.
fn rule(schema: &Document, keyword: &str, value: &Bson, at: &str) -> Result<Option<Rule>, Problem> {
    match keyword {
        "bsonType" => types(value, at, Type::of_alias).map(Some),
        "type" => types(value, at, Type::of_json).map(Some),
        "enum" => options(value, at).map(Some),
        "uniqueItems" => Ok(boolean(value, at)?.then_some(Rule::UniqueItems)),
        "minimum" => bound(schema, value, at, "exclusiveMinimum").map(Some),
        "maximum" => bound(schema, value, at, "exclusiveMaximum").map(Some),
        _ => Ok(None),
    }
}

fn refusal(keyword: &str, at: &str) -> Problem {
    match keyword {
        "$ref" | "$schema" | "default" | "definitions" | "format" | "id" => {
            format!("MongoDB does not support the keyword {keyword} at {at}; remove it")
        }
        "$jsonSchema" => format!("{at} is not needed here; use its content instead"),
        _ => format!("unknown keyword {keyword} at {at}"),
    }
}

fn types(value: &Bson, at: &str, of_name: impl Fn(&str) -> Option<Type>) -> Result<Rule, Problem> {
    let names = match value {
        Bson::Array(names) => names.as_slice(),
        single => std::slice::from_ref(single),
    };
    if names.is_empty() {
        return Err(format!("invalid {at}: expected at least one type"));
    }
    let known = |name: &Bson| {
        let known = name.as_str().and_then(&of_name);
        known.ok_or_else(|| {
            format!("{at} has the type {name}, which MongoDB does not support there")
        })
    };
    names.iter().map(known).collect::<Result<_, _>>().map(Rule::Types)
}

fn options(value: &Bson, at: &str) -> Result<Rule, Problem> {
    let Bson::Array(options) = value else {
        return Err(format!("invalid {at}: expected an array of the allowed values"));
    };
    if options.is_empty() {
        return Err(format!("invalid {at}: expected at least one value"));
    }
    let mut known = BTreeSet::new();
    for option in options {
        let canonical = Canonical::of(option)
            .ok_or_else(|| format!("{at} has {option}, which can't be compared"))?;
        if !known.insert(canonical) {
            return Err(format!("{at} has {option} twice"));
        }
    }
    Ok(Rule::OneOf(known))
}

fn boolean(value: &Bson, at: &str) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| format!("invalid {at}: expected true or false, found {value}"))
}

fn bound(schema: &Document, limit: &Bson, at: &str, exclusive: &str) -> Result<Rule, Problem> {
    if !matches!(limit, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_)) {
        return Err(format!("invalid {at}: expected a number, found {limit}"));
    }
    let least = exclusive == "exclusiveMinimum";
    let exclusive = schema.get(exclusive).and_then(Bson::as_bool).unwrap_or(false);
    Ok(Rule::Bound(Bound { limit: limit.clone(), least, exclusive }))
}

/// Converts a value to JSON. Whole numbers become integers, because users who type a number in a
/// shell do not choose between doubles and integers; values without a JSON equivalent become null,
/// which no keyword accepts.
fn plain(value: &Bson) -> Value {
    match value {
        Bson::String(text) => text.as_str().into(),
        Bson::Boolean(boolean) => (*boolean).into(),
        Bson::Int32(integer) => (*integer).into(),
        Bson::Int64(integer) => (*integer).into(),
        Bson::Double(double) => number(*double),
        Bson::Decimal128(decimal) => decimal.to_string().parse().map_or(Value::Null, number),
        Bson::Array(items) => items.iter().map(plain).collect(),
        Bson::Document(document) => {
            document.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        _ => Value::Null,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and small enough")]
fn number(double: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if double.fract() == 0.0 && double.abs() <= EXACT {
        (double as i64).into()
    } else {
        double.into()
    }
}
