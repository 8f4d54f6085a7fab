//! A route with the schema of its request.

use std::collections::BTreeMap;
use std::sync::Arc;

use argon_service::operations::{Operation, Scope};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::routes::{ROUTES, Route};

/// A route, and what its request may have.
pub(crate) struct Prepared {
    pub(super) route: &'static Route,
    pub(super) operation: &'static Operation,
    /// The schema of the request, with definitions at [`DEFINITIONS`].
    pub(super) request: Schema,
    pub(super) result: Schema,
    /// The fields of the request.
    pub(super) fields: BTreeMap<String, Kind>,
}

/// Where schemas refer to definitions.
const DEFINITIONS: &str = "/components/schemas";

/// How the text of a parameter becomes a value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    /// A list, of which each occurrence of the parameter is an element.
    List(Box<Kind>),
    /// Any JSON; what is none is a text.
    Json,
}

impl Prepared {
    /// All routes, and what made their schemas.
    pub(super) fn all() -> (Vec<Arc<Self>>, SchemaGenerator) {
        let settings = SchemaSettings::draft2020_12();
        let settings = settings.with(|settings| settings.definitions_path = DEFINITIONS.into());
        let mut generator = settings.into_generator();
        let prepared = ROUTES.iter().filter_map(|route| Self::of(route, &mut generator));
        (prepared.map(Arc::new).collect(), generator)
    }

    fn of(route: &'static Route, generator: &mut SchemaGenerator) -> Option<Self> {
        let operation = Operation::named(route.operation).ok()?;
        let (request, result) = (operation.request(generator), operation.result(generator));
        let definitions = generator.definitions();
        let properties = request.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten();
        let fields =
            fields.map(|(name, schema)| (name.clone(), Kind::of(schema, definitions))).collect();
        Some(Self { route, operation, request, result, fields })
    }

    /// The names of the parameters of the path.
    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.route.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The field of the request that a parameter of the path is, if it is one.
    pub(super) fn field_of(&self, parameter: &str) -> Option<&str> {
        let renamed = self.route.renamed.iter().find(|(name, _)| *name == parameter);
        let name = renamed.map_or(parameter, |(_, field)| field);
        self.fields.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// Whether the path gives a field of the request.
    pub(super) fn is_in_path(&self, field: &str) -> bool {
        self.path_parameters().any(|parameter| self.field_of(parameter) == Some(field))
    }

    /// Whether the result is of one state, which the path names.
    pub(super) fn is_of_state(&self) -> bool {
        self.path_parameters().any(|name| name == "revision")
    }

    /// Whether the reply depends on nothing but its state, so that the state's tag is its own.
    pub(super) fn has_tag(&self) -> bool {
        let names = ["get", "find", "count", "distinct"].map(|name| format!("document.{name}"));
        let name = self.operation.name;
        name == "collection.list" || names.iter().any(|known| known == name)
    }

    /// Whether the fields of the request are parameters of the URL.
    pub(super) fn has_query(&self) -> bool {
        matches!(self.route.method.as_str(), "GET" | "DELETE")
    }

    /// Whether a field of the request may be a parameter of the URL: where the body is one of the fields, the others are.
    pub(super) fn takes_in_url(&self, field: &str) -> bool {
        self.has_query() || self.route.body.is_some_and(|body| body != field)
    }

    /// Whether it works on a project.
    pub(super) fn is_of_project(&self) -> bool {
        self.operation.scope != Scope::Store
    }
}

impl Kind {
    fn of(schema: &Value, definitions: &serde_json::Map<String, Value>) -> Self {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next().unwrap_or_default();
            return definitions
                .get(name)
                .map_or(Self::Json, |schema| Self::of(schema, definitions));
        }
        if let Some(any) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            let mut kinds = any
                .iter()
                .filter(|schema| schema.get("type").and_then(Value::as_str) != Some("null"))
                .map(|schema| Self::of(schema, definitions));
            let first = kinds.next().unwrap_or(Self::Json);
            return if kinds.all(|kind| kind == first) { first } else { Self::Json };
        }
        let is_text = |value: &Value| value.is_string();
        if schema.get("const").is_some_and(is_text)
            || schema
                .get("enum")
                .and_then(Value::as_array)
                .is_some_and(|all| all.iter().all(is_text))
        {
            return Self::Text;
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let types: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
        match types.as_slice() {
            ["string"] => Self::Text,
            ["integer" | "number"] => Self::Number,
            ["boolean"] => Self::Boolean,
            ["array"] => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                Self::List(Box::new(Self::of(items, definitions)))
            }
            _ => Self::Json,
        }
    }
}
