use std::str::FromStr;

use argon_core::Error;
use argon_core::model::Message;
use fancy_regex::Regex;
use serde::{Deserialize, Deserializer};

/// A regular expression that finds messages of commits.
#[derive(Debug, Clone)]
pub struct MessagePattern(Regex);

impl MessagePattern {
    /// Whether it finds a message.
    ///
    /// # Errors
    /// `Invalid` if the search takes too many steps.
    pub fn finds(&self, message: &Message) -> Result<bool, Error> {
        self.0.is_match(message.as_str()).map_err(|source| {
            Error::invalid(format!("the pattern '{}' takes too long", self.0.as_str()))
                .with_source(source)
        })
    }
}

impl FromStr for MessagePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Regex::new(text).map(Self).map_err(|source| {
            Error::invalid(format!(
                "invalid pattern '{text}': expected a regular expression such as 'price|discount', or \
                 '(?i)price' for any case"
            ))
            .with_source(source)
        })
    }
}

impl<'de> Deserialize<'de> for MessagePattern {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_regular_expression() {
        let finds = |pattern: &str, message: &str| {
            let pattern: MessagePattern = pattern.parse().unwrap();
            pattern.finds(&Message::new(message).unwrap()).unwrap()
        };
        assert!(finds("price", "new prices"));
        assert!(!finds("^price", "new prices"));
        assert!(finds("(?i)PRICE|x", "new prices"));
        let error = "(".parse::<MessagePattern>().unwrap_err();
        assert!(error.to_string().contains("invalid pattern '('"), "{error}");
    }
}
