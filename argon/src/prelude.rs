//! What most programs use: `use argon::prelude::*;`

pub use bson::{Bson, doc, oid::ObjectId, rawdoc};
pub use futures::{StreamExt, TryStreamExt};
pub use serde::{Deserialize, Serialize};

pub use crate::collection::{Modify as _, Query as _};
pub use crate::model::{Actor, Lsn, Point};
pub use crate::{Branch, Collection, ErrorKind, Project, State, Store, TypedView};
