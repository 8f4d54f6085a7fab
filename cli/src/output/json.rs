//! JSON as the command prints it.

/// A JSON value that keeps the order of its fields, and in which documents stand as Extended JSON
/// printed them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// Text that is JSON already, on one line.
    Verbatim(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(crate) const NULL: &'static str = "null";

    /// An object with these fields.
    pub(crate) fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Self {
        Self::Object(fields.into())
    }

    /// The value on one line.
    pub(crate) fn compact(&self) -> String {
        let mut out = String::new();
        self.print(&mut out, None);
        out
    }

    /// The value with a line for each field and element.
    pub(crate) fn pretty(&self) -> String {
        let mut out = String::new();
        self.print(&mut out, Some(0));
        out
    }

    fn print(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Self::Verbatim(text) => out.push_str(text),
            Self::Array(elements) => {
                let elements = elements.iter().map(|element| (None, element));
                members(out, indent, ['[', ']'], elements);
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (Some(*name), value));
                members(out, indent, ['{', '}'], fields);
            }
        }
    }
}

fn members<'a>(
    out: &mut String,
    indent: Option<usize>,
    [open, close]: [char; 2],
    members: impl ExactSizeIterator<Item = (Option<&'static str>, &'a Json)>,
) {
    let inner = indent.map(|indent| indent + 1);
    let empty = members.len() == 0;
    out.push(open);
    for (number, (name, value)) in members.enumerate() {
        if number > 0 {
            out.push(',');
        }
        new_line(out, inner);
        if let Some(name) = name {
            out.push_str(&quoted(name));
            out.push_str(if inner.is_some() { ": " } else { ":" });
        }
        value.print(out, inner);
    }
    if !empty {
        new_line(out, indent);
    }
    out.push(close);
}

fn new_line(out: &mut String, indent: Option<usize>) {
    if let Some(indent) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", indent));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Verbatim(quoted(text))
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Verbatim(number.to_string())
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Self::Verbatim(serde_json::Value::from(number).to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Verbatim(value.to_string())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::Verbatim(Self::NULL.to_owned()), Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_text_is_escaped() {
        let json = Json::object([
            ("b", 1.into()),
            ("a", "say \"x\"\n".into()),
            ("none", None::<u64>.into()),
            ("list", vec![1, 2].into()),
            ("empty", Json::Array(vec![])),
        ]);
        assert_eq!(
            json.compact(),
            r#"{"b":1,"a":"say \"x\"\n","none":null,"list":[1,2],"empty":[]}"#
        );
        assert_eq!(
            Json::object([("a", Json::object([("b", true.into())]))]).pretty(),
            "{\n  \"a\": {\n    \"b\": true\n  }\n}"
        );
    }
}
