//! Pins: names of states that are kept for good.

mod create;
mod delete;
mod keygen;
mod list;
mod shown;

pub use self::create::{CreatePin, create};
pub use self::delete::{DeletePin, delete};
pub use self::keygen::{GenerateKey, GeneratedKey, keygen};
pub use self::list::{ListPins, list};
pub use self::shown::ShownPin;
