//! Documents for queries: places with a postal code, as in the data that MongoDB's manual queries.

use argon_core::model::Document;
use bson::raw::RawDocumentBuf;
use bson::rawdoc;

use crate::Result;
use crate::random::Random;
use crate::writing::Ready;

/// The number of values of `county`.
pub const COUNTIES: u64 = 1_000;

/// The documents that have one value of `block`.
pub const BLOCK: u64 = 10;

/// The `number`-th of so many places, in its `revision`-th form. `block` is scattered over the
/// places; `rank` is different for each place and each revision below 1,000.
pub fn place(number: u64, documents: u64, revision: u64) -> RawDocumentBuf {
    in_block(number, block_of(number, documents), revision)
}

/// A [place] with another `block`.
pub fn in_block(number: u64, block: u64, revision: u64) -> RawDocumentBuf {
    let mut random = Random::new(number);
    let city: String = (0..6 + random.below(8))
        .map(|_| char::from(b'A' + random.below(26).to_le_bytes()[0]))
        .collect();
    let mut degrees = |width: i32| f64::from(int(random.below(1_000_000))) / 1e6 * f64::from(width);
    let location = [-130.0 + degrees(60), 25.0 + degrees(25)];
    let population = int(random.below(100_000));
    let state = random.below(50);
    rawdoc! {
        "_id": format!("{number:07}"),
        "city": city,
        "loc": [location[0], location[1]],
        "pop": population,
        "state": format!("S{state:02}"),
        "county": int(random.below(COUNTIES)),
        "block": int(block),
        "rank": int(number * 1_000 + revision),
    }
}

/// The `block` of a place: 7919 is a prime that divides no power of ten.
pub fn block_of(number: u64, documents: u64) -> u64 {
    number * 7919 % (documents / BLOCK)
}

/// The same document, checked and with its key, ready to be written.
pub fn ready(number: u64, documents: u64, revision: u64) -> Result<Ready> {
    Ok(Document::checked(place(number, documents, revision))?)
}

/// A number that the sizes of the benches keep in the range of int32.
pub fn int(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
