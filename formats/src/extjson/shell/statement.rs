//! Statements of MongoDB's shell: calls such as `db.users.find({…}).limit(5)`, and commands such as
//! `show collections`.

use bson::Bson;

use super::parse::{LEVELS, list};
use super::text::Text;
use crate::extjson::ExtJsonError;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum ShellStatement {
    /// A command with its arguments, such as `use shop`.
    Command {
        /// The first word.
        name: String,
        /// The words after it.
        arguments: Vec<String>,
    },
    /// An expression that begins with `db`.
    Database(ShellCall),
}

/// What comes after `db`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShellCall {
    /// The collection; `None` for the database itself.
    pub collection: Option<String>,
    /// The methods, each called on the result of the one before.
    pub methods: Vec<ShellMethod>,
}

/// A method with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellMethod {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Bson>,
}

/// The beginning of a text, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsedShell {
    /// A statement, and the number of its bytes with blanks and the semicolon.
    Statement(ShellStatement, usize),
    /// The text ends within a statement.
    Incomplete,
    /// Only blanks and comments.
    Empty,
}

/// The commands, which take the words up to the end of the statement.
const COMMANDS: [&str; 6] = ["show", "use", "it", "exit", "quit", "help"];

/// Parses the first statement of a text; a script is parsed by doing so repeatedly.
///
/// # Errors
/// The problem, with its line and column in this text.
pub fn parse_shell_statement(text: &str) -> Result<ParsedShell, ExtJsonError> {
    let mut text = Text::new(text);
    match statement(&mut text) {
        Ok(Some(statement)) => Ok(ParsedShell::Statement(statement, text.at())),
        Ok(None) => Ok(ParsedShell::Empty),
        // Whatever comes next may complete it.
        Err(_) if text.is_unfinished() => Ok(ParsedShell::Incomplete),
        Err(error) => Err(error),
    }
}

fn statement(text: &mut Text<'_>) -> Result<Option<ShellStatement>, ExtJsonError> {
    while text.takes(';')? {}
    let start = text.at();
    let Some(name) = text.name() else {
        return match text.peek() {
            None => Ok(None),
            Some(_) => {
                Err(text.unexpected("a statement such as db.users.find() or show collections"))
            }
        };
    };
    if name == "db" {
        let call = call(text)?;
        end(text)?;
        return Ok(Some(ShellStatement::Database(call)));
    }
    if COMMANDS.contains(&name) {
        let line = text.line();
        let arguments = line.split_once("//").map_or(line, |(before, _)| before).trim();
        // `quit()` is a function in the shell.
        let arguments = arguments.strip_prefix("()").unwrap_or(arguments);
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        return Ok(Some(ShellStatement::Command { name: name.to_owned(), arguments }));
    }
    let unknown = match name {
        "let" | "const" | "var" | "function" | "for" | "if" | "while" | "async" | "try" => format!(
            "'{name}' is JavaScript, which is not evaluated; a statement is a call such as \
             db.users.find(), or one of the commands {}",
            COMMANDS.join(", ")
        ),
        _ => format!("{name} is not defined"),
    };
    Err(text.error_at(start, unknown))
}

/// A statement ends at a semicolon, at the end of its line, or at the end of the text.
fn end(text: &mut Text<'_>) -> Result<(), ExtJsonError> {
    if text.takes(';')? || text.peek().is_none() || text.is_after_line_break() {
        return Ok(());
    }
    Err(text.unexpected("';' or the end of the line after the statement"))
}

/// Reads what comes after `db`.
fn call(text: &mut Text<'_>) -> Result<ShellCall, ExtJsonError> {
    let mut names: Vec<String> = Vec::new();
    let mut call = ShellCall::default();
    loop {
        let at = text.at();
        if text.takes('.')? {
            text.skip_blanks()?;
            let name = text.name().map(str::to_owned);
            let name = name.ok_or_else(|| text.unexpected("a name after '.'"))?;
            names.push(name);
        } else if call.methods.is_empty() && text.takes('[')? {
            let name = match &list(text, ']', LEVELS)?[..] {
                [Bson::String(name)] => name.clone(),
                _ => return Err(text.error_at(at, "expected [\"NAME\"] after db")),
            };
            names.push(name);
        } else if !names.is_empty() && text.takes('(')? {
            let arguments = list(text, ')', LEVELS)?;
            let name = names.pop().unwrap_or_default();
            add(&mut call, &mut names, ShellMethod { name, arguments }, text, at)?;
        } else {
            break;
        }
    }
    match (call.methods.is_empty(), names.is_empty()) {
        (_, true) => Ok(call),
        (true, false) if call.collection.is_none() => {
            Ok(ShellCall { collection: Some(names.join(".")), ..call })
        }
        _ => Err(text.unexpected(&format!("'(' after the method {}", names.join(".")))),
    }
}

/// Adds a call of a method; the names before the first one are the collection.
fn add(
    call: &mut ShellCall,
    names: &mut Vec<String>,
    method: ShellMethod,
    text: &Text<'_>,
    at: usize,
) -> Result<(), ExtJsonError> {
    let has_collection = call.collection.is_some() || !call.methods.is_empty();
    if !names.is_empty() && has_collection {
        let names = names.join(".");
        return Err(text.error_at(at, format!("expected '(' after the method {names}")));
    }
    if !names.is_empty() {
        call.collection = Some(std::mem::take(names).join("."));
    }
    match (&method.arguments[..], method.name.as_str()) {
        ([Bson::String(name)], "getCollection") if !has_collection && call.collection.is_none() => {
            call.collection = Some(name.clone());
        }
        _ => call.methods.push(method),
    }
    Ok(())
}
