//! A tool with the schemas of its arguments and of its result.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use argon_service::operations::{Effect, Operation, Scope};
use rmcp::model::{JsonObject, Tool as McpTool, ToolAnnotations};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::tools::{TOOLS, Tool};

/// A tool, as agents see it.
pub(super) struct Described {
    pub(super) tool: &'static Tool,
    pub(super) operation: &'static Operation,
    pub(super) mcp: McpTool,
    /// The names of the arguments that are fields of the request.
    pub(super) fields: BTreeSet<String>,
    /// Whether the result is a field of what the tool gives, since it is no object.
    pub(super) is_wrapped: bool,
}

/// The argument with the project, and those of pages.
pub(super) const PROJECT: &str = "project";
pub(super) const CURSOR: &str = "cursor";
pub(super) const LIMIT: &str = "limit";
/// The argument that names a run of the agent.
pub(super) const SESSION: &str = "session";
/// The field of the request with the state.
pub(super) const REVISION: &str = "revision";
/// What signs a commit, which the server does.
const SIGNATURE: &str = "actor";

/// Where schemas have the definitions of types.
const DEFINITIONS: &str = "$defs";

impl Described {
    /// All tools, in the order of the table. They are described when the first agent asks.
    pub(super) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Described>> =
            LazyLock::new(|| TOOLS.iter().filter_map(Described::of).collect());
        &ALL
    }

    fn of(tool: &'static Tool) -> Option<Self> {
        let operation = Operation::named(tool.operation).ok()?;
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let request = operation.request(&mut generator).to_value();
        let result = operation.result(&mut generator).to_value();
        let definitions = Value::Object(generator.take_definitions(true));
        let (input, fields) = input_schema(tool, operation, &request, &definitions);
        let (output, is_wrapped) = output_schema(operation, result, &definitions);
        let about = tool.about.or_else(|| request["description"].as_str()).unwrap_or_default();
        let reads = operation.effect == Effect::Read;
        let annotations = ToolAnnotations::new()
            .read_only(reads)
            .destructive(!reads && tool.asks)
            .idempotent(reads)
            .open_world(false);
        let mcp = McpTool::new(tool.name, about.to_owned(), Arc::new(input))
            .with_raw_output_schema(Arc::new(output))
            .with_annotations(annotations);
        Some(Self { tool, operation, mcp, fields, is_wrapped })
    }

    /// Whether the tool takes this argument.
    pub(super) fn takes(&self, argument: &str) -> bool {
        let properties = self.mcp.input_schema.get("properties");
        properties.is_some_and(|properties| properties.get(argument).is_some())
    }
}

/// The schema of the arguments, and those that are fields of the request.
fn input_schema(
    tool: &Tool,
    operation: &Operation,
    request: &Value,
    definitions: &Value,
) -> (JsonObject, BTreeSet<String>) {
    let mut properties = JsonObject::new();
    let mut required = Vec::new();
    if operation.scope != Scope::Store {
        let about = "The name of the project; list_projects lists them.";
        properties.insert(PROJECT.into(), json!({"type": "string", "description": about}));
        required.push(Value::from(PROJECT));
    }
    let of_request = request["properties"].as_object().cloned().unwrap_or_default();
    let of_branch = tool.branch.filter(|name| !of_request.contains_key(*name));
    if let Some(name) = of_branch {
        let about = "The branch.";
        properties.insert(name.to_owned(), json!({"type": "string", "description": about}));
        required.push(Value::from(name));
    }
    let is_hidden = |name: &str| {
        name == SIGNATURE
            || tool.hidden.contains(&name)
            || tool.fixed.iter().any(|(fixed, _)| *fixed == name)
    };
    let is_signed = of_request.contains_key(SIGNATURE);
    let shown = of_request.into_iter().filter(|(name, _)| !is_hidden(name));
    let mut fields = BTreeSet::new();
    for (name, schema) in shown {
        if request["required"].as_array().is_some_and(|names| names.contains(&name.as_str().into()))
        {
            required.push(Value::from(name.as_str()));
        }
        fields.insert(name.clone());
        properties.insert(name, schema);
    }
    if operation.is_list {
        let about = "The most items of a page.";
        let schema = json!({"type": "integer", "minimum": 1, "description": about});
        properties.insert(LIMIT.into(), schema);
        let about = "Where the page begins: the `next` of the page before it.";
        properties.insert(CURSOR.into(), json!({"type": ["string", "null"], "description": about}));
    }
    if is_signed {
        let about = "A name of this run of yours: its commits have it as the trailer Session.";
        let schema = json!({"type": ["string", "null"], "description": about});
        properties.insert(SESSION.into(), schema);
    }
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    (whole(schema, definitions), fields)
}

/// The schema of what a tool gives, and whether the result is one of its fields.
fn output_schema(operation: &Operation, result: Value, definitions: &Value) -> (JsonObject, bool) {
    if operation.is_list {
        let next = "The cursor of the next page; null if this is the last one.";
        let page = json!({
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": result},
                "next": {"type": ["string", "null"], "description": next},
            },
            "required": ["items", "next"],
        });
        return (plain(whole(page, definitions)), false);
    }
    // A definition of its own is written out, as clients expect it.
    let named = result["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    let result = named.and_then(|name| definitions.get(name)).cloned().unwrap_or(result);
    if result["type"] == "object" {
        return (plain(whole(result, definitions)), false);
    }
    let wrapped =
        json!({"type": "object", "properties": {"result": result}, "required": ["result"]});
    (plain(whole(wrapped, definitions)), true)
}

/// A schema without descriptions, which an agent would read before its first call: results say what they are by the
/// names of their fields.
fn plain(mut schema: JsonObject) -> JsonObject {
    schema.shift_remove("description");
    for (name, value) in &mut schema {
        if name == "properties" || name == DEFINITIONS {
            // Their names are those of fields and types.
            for named in value.as_object_mut().into_iter().flat_map(|named| named.values_mut()) {
                without_descriptions(named);
            }
        } else {
            without_descriptions(value);
        }
    }
    schema
}

fn without_descriptions(value: &mut Value) {
    match value {
        Value::Object(schema) => *schema = plain(std::mem::take(schema)),
        Value::Array(items) => items.iter_mut().for_each(without_descriptions),
        _ => {}
    }
}

/// A schema with the definitions that it refers to, without what is for programmers only.
fn whole(mut schema: Value, definitions: &Value) -> JsonObject {
    let mut used = JsonObject::new();
    let mut open = references(&schema);
    while let Some(name) = open.pop() {
        if let Some(definition) = definitions.get(&name)
            && !used.contains_key(&name)
        {
            open.extend(references(definition));
            used.insert(name, definition.clone());
        }
    }
    if !used.is_empty() {
        schema[DEFINITIONS] = Value::Object(used);
    }
    without_formats(&mut schema);
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(path) if name == "$ref" => {
                    path.rsplit('/').next().map(str::to_owned).into_iter().collect()
                }
                other => references(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Removes the formats of numbers, of which clients warn that they do not know them.
fn without_formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format").and_then(Value::as_str).is_some_and(is_of_number) {
                fields.shift_remove("format");
            }
            fields.values_mut().for_each(without_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(without_formats),
        _ => {}
    }
}

fn is_of_number(format: &str) -> bool {
    ["uint", "int", "double", "float"].iter().any(|kind| format.starts_with(kind))
}
