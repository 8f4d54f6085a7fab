//! MongoDB's error codes.

use std::fmt;

use argon_core::{DetailKey, DetailValue, Error};

/// The code of an error in MongoDB's protocol, such as 2 for `BadValue`.
///
/// An error of this crate has it as its details `code` and `code_name`: see [`Code::error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u32);

/// The codes that have a name. The others are named by their number: `Location40324`.
const NAMES: &[(u32, &str)] = &[
    (1, "InternalError"),
    (2, "BadValue"),
    (9, "FailedToParse"),
    (14, "TypeMismatch"),
    (15, "Overflow"),
    (16, "InvalidLength"),
    (20, "IllegalOperation"),
    (26, "NamespaceNotFound"),
    (27, "IndexNotFound"),
    (28, "PathNotViable"),
    (34, "CannotBackfillArray"),
    (40, "ConflictingUpdateOperators"),
    (47, "NoMatchingDocument"),
    (48, "NamespaceExists"),
    (50, "MaxTimeMSExpired"),
    (52, "DollarPrefixedFieldName"),
    (53, "InvalidIdField"),
    (54, "NotSingleValueField"),
    (55, "InvalidDBRef"),
    (56, "EmptyFieldName"),
    (57, "DottedFieldName"),
    (59, "CommandNotFound"),
    (66, "ImmutableField"),
    (67, "CannotCreateIndex"),
    (72, "InvalidOptions"),
    (73, "InvalidNamespace"),
    (111, "NotExactValueField"),
    (112, "WriteConflict"),
    (115, "CommandNotSupported"),
    (121, "DocumentValidationFailure"),
    (146, "ExceededMemoryLimit"),
    (159, "DurationOverflow"),
    (165, "ViewDepthLimitExceeded"),
    (168, "InvalidPipelineOperator"),
    (224, "QueryFeatureNotAllowed"),
    (232, "MaxSubPipelineDepthExceeded"),
    (238, "NotImplemented"),
    (241, "ConversionFailure"),
    (279, "ClientDisconnect"),
    (291, "NoQueryExecutionPlans"),
    (292, "QueryExceededMemoryLimitNoDiskUseAllowed"),
    (10334, "BSONObjectTooLarge"),
    (11000, "DuplicateKey"),
    (11600, "InterruptedAtShutdown"),
    (11601, "Interrupted"),
];

impl Code {
    /// A malformed argument, or an unknown query operator.
    pub const BAD_VALUE: Self = Self(2);
    /// A malformed query, update or pipeline.
    pub const FAILED_TO_PARSE: Self = Self(9);
    /// A value of the wrong type.
    pub const TYPE_MISMATCH: Self = Self(14);
    /// A number out of range.
    pub const OVERFLOW: Self = Self(15);
    /// A path that leads through a value that has no fields.
    pub const PATH_NOT_VIABLE: Self = Self(28);
    /// An index that is too far behind the end of an array.
    pub const CANNOT_BACKFILL_ARRAY: Self = Self(34);
    /// Two update operators for one path.
    pub const CONFLICTING_UPDATE_OPERATORS: Self = Self(40);
    /// A field name that begins with `$`.
    pub const DOLLAR_PREFIXED_FIELD_NAME: Self = Self(52);
    /// An `_id` of a type that it can't have.
    pub const INVALID_ID_FIELD: Self = Self(53);
    /// Several values where one is needed.
    pub const NOT_SINGLE_VALUE_FIELD: Self = Self(54);
    /// A malformed reference to another document.
    pub const INVALID_DB_REF: Self = Self(55);
    /// An empty field name.
    pub const EMPTY_FIELD_NAME: Self = Self(56);
    /// A change of `_id`.
    pub const IMMUTABLE_FIELD: Self = Self(66);
    /// Malformed options.
    pub const INVALID_OPTIONS: Self = Self(72);
    /// A value that is given in parts only.
    pub const NOT_EXACT_VALUE_FIELD: Self = Self(111);
    /// An operator that Argon does not support.
    pub const COMMAND_NOT_SUPPORTED: Self = Self(115);
    /// A name that no collection has.
    pub const INVALID_NAMESPACE: Self = Self(73);
    /// A stage that needs temporary files, which are not allowed.
    pub const QUERY_EXCEEDED_MEMORY_LIMIT: Self = Self(292);
    /// A stage that needs more memory than it may use.
    pub const EXCEEDED_MEMORY_LIMIT: Self = Self(146);
    /// An unknown operator of expressions.
    pub const INVALID_PIPELINE_OPERATOR: Self = Self(168);
    /// A part of a query that is not allowed there.
    pub const QUERY_FEATURE_NOT_ALLOWED: Self = Self(224);
    /// Not built.
    pub const NOT_IMPLEMENTED: Self = Self(238);
    /// A value that `$convert` can't convert.
    pub const CONVERSION_FAILURE: Self = Self(241);
    /// A document that is larger than BSON may be.
    pub const BSON_OBJECT_TOO_LARGE: Self = Self(10334);

    /// A code without a name, which MongoDB calls a location.
    pub const fn location(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// An `Invalid` error with this code, and a message in MongoDB's words.
    pub fn error(self, message: impl Into<String>) -> Error {
        Error::invalid(message).with_code(self.0, self.to_string())
    }

    /// The code of an error of this crate; `None` if it has none.
    pub fn of(error: &Error) -> Option<Self> {
        error.details().iter().find_map(|(key, value)| match (key, value) {
            (DetailKey::Code, DetailValue::Number(number)) => u32::try_from(*number).ok().map(Self),
            _ => None,
        })
    }
}

/// The name, such as `BadValue`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "Location{}", self.0),
        }
    }
}
