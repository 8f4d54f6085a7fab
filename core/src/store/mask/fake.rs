//! Fake values from a keyed hash: equal values get equal fakes.

use bson::raw::RawBsonRef;
use bson::{DateTime, RawBson};

use crate::store::mask::Fake;
use crate::store::mask::hash::{Draw, Secret, hashed, number_like};

/// The number of days to choose a date from: 1970 to 2029.
const DAYS: u64 = 60 * 365;

const MILLIS_OF_DAY: u64 = 86_400_000;

const FIRST_NAMES: &[&str] = &[
    "Ada", "Alan", "Alma", "Anton", "Barbara", "Blaise", "Clara", "Dana", "Edgar", "Elena", "Emil",
    "Flora", "Frida", "Grace", "Hugo", "Ida", "Ines", "Ivan", "Jonas", "Judith", "Kira", "Konrad",
    "Lea", "Leon", "Lise", "Mara", "Marek", "Mina", "Nadia", "Nils", "Olga", "Oscar", "Paula",
    "Petra", "Ravi", "Rosa", "Samir", "Selma", "Tara", "Theo", "Ursula", "Vera", "Viktor", "Yara",
];

const LAST_NAMES: &[&str] = &[
    "Abbott", "Arden", "Bauer", "Birch", "Brandt", "Castell", "Cole", "Dahl", "Drake", "Engel",
    "Falk", "Ferris", "Garner", "Gray", "Hale", "Holm", "Ilves", "Jansen", "Keller", "Kowal",
    "Lang", "Lund", "Marsh", "Moreau", "Nagy", "North", "Okafor", "Orlov", "Pace", "Quist", "Rao",
    "Reed", "Sato", "Stone", "Thorn", "Ueda", "Vance", "Weber", "Winter", "Yilmaz", "Zeman",
];

const CITIES: &[&str] = &[
    "Ashwater",
    "Brightmoor",
    "Coldharbour",
    "Dunmere",
    "Eastfold",
    "Fernhollow",
    "Greywick",
    "Highmarsh",
    "Ironbridge Falls",
    "Juniper Bay",
    "Kingsmere",
    "Larkfield",
    "Millhaven",
    "Northvale",
    "Oldcastle Green",
    "Pinecrest Hill",
    "Quarryton",
    "Ravenshore",
    "Silverbrook",
    "Thornbury Cross",
    "Umberfield",
    "Vinehurst",
    "Westering",
    "Yewdale",
];

const COUNTRIES: &[&str] = &[
    "Argentina",
    "Austria",
    "Brazil",
    "Canada",
    "Chile",
    "Denmark",
    "Egypt",
    "Finland",
    "France",
    "Ghana",
    "Greece",
    "India",
    "Ireland",
    "Italy",
    "Japan",
    "Kenya",
    "Mexico",
    "Norway",
    "Peru",
    "Poland",
    "Portugal",
    "Spain",
    "Sweden",
    "Vietnam",
];

const WORDS: &[&str] = &[
    "amber", "anchor", "autumn", "basket", "bridge", "candle", "canvas", "cedar", "cloud",
    "copper", "ember", "falcon", "garden", "harbour", "hollow", "island", "ivory", "juniper",
    "lantern", "maple", "marble", "meadow", "mirror", "nettle", "ocean", "orchard", "pebble",
    "quartz", "raven", "ribbon", "river", "saddle", "shadow", "silver", "stone", "summit",
    "thistle", "timber", "velvet", "violet", "walnut", "willow", "winter", "yarrow",
];

const STREETS: &[&str] = &["Street", "Road", "Lane", "Avenue", "Way", "Square"];

const COMPANIES: &[&str] = &["Ltd", "GmbH", "Inc", "Works", "Partners", "Group"];

/// Returns a fake value of this value's type for a field of this name. Numbers become one below
/// 10,000; a fake value may by chance be a real one.
pub(super) fn faked(
    secret: &Secret,
    fake: Option<Fake>,
    field: &str,
    value: RawBsonRef<'_>,
) -> RawBson {
    match value {
        RawBsonRef::String(_) => {
            let fake = fake.unwrap_or_else(|| by_name(field));
            RawBson::String(text(fake, &secret.draw(&format!("fake {fake:?}"), value)))
        }
        RawBsonRef::Int32(_)
        | RawBsonRef::Int64(_)
        | RawBsonRef::Double(_)
        | RawBsonRef::Decimal128(_) => {
            number_like(value, secret.draw("fake number", value).number(0) % 10_000)
        }
        RawBsonRef::DateTime(_) => RawBson::DateTime(date(&secret.draw("fake date", value))),
        _ => hashed(secret, value),
    }
}

/// Guesses the kind of fake from a field's name.
fn by_name(field: &str) -> Fake {
    let plain: String =
        field.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let has = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    match () {
        () if has(&["mail"]) => Fake::Email,
        () if has(&["phone", "mobile"]) || plain == "tel" || plain == "fax" => Fake::Phone,
        () if has(&["firstname", "givenname", "forename"]) => Fake::FirstName,
        () if has(&["lastname", "surname", "familyname"]) => Fake::LastName,
        () if has(&["city", "town"]) => Fake::City,
        () if has(&["country"]) => Fake::Country,
        () if has(&["street", "address"]) => Fake::Street,
        () if has(&["company", "employer"]) => Fake::Company,
        () if has(&["url", "website", "homepage"]) => Fake::Url,
        () if has(&["date", "birthday", "birth"]) => Fake::Date,
        () if plain == "name" || plain == "fullname" => Fake::Name,
        () => Fake::Text,
    }
}

fn text(fake: Fake, draw: &Draw) -> String {
    let (first, last) = (draw.pick(0, FIRST_NAMES), draw.pick(1, LAST_NAMES));
    let (word, other) = (draw.pick(0, WORDS), draw.pick(1, WORDS));
    // Values that are unique in most data get enough bits to stay unique.
    let tag = draw.number(2) & 0xffff_ffff_ffff;
    match fake {
        Fake::Name => format!("{first} {last}"),
        Fake::FirstName => first.to_owned(),
        Fake::LastName => last.to_owned(),
        Fake::Email => {
            let (first, last) = (first.to_lowercase(), last.to_lowercase());
            format!("{first}.{last}.{tag:012x}@example.com")
        }
        // No country has this code.
        Fake::Phone => format!("+999 {:03} {:07}", tag % 1000, tag / 1000 % 10_000_000),
        Fake::Street => {
            format!("{} {} {}", 1 + tag % 200, capital(word), draw.pick(1, STREETS))
        }
        Fake::City => draw.pick(0, CITIES).to_owned(),
        Fake::Country => draw.pick(0, COUNTRIES).to_owned(),
        Fake::Company => format!("{} {} {}", capital(word), last, draw.pick(3, COMPANIES)),
        Fake::Url => format!("https://example.com/{word}/{tag:012x}"),
        Fake::Text => format!("{word} {other} {}", draw.pick(3, WORDS)),
        Fake::Number => (tag % 10_000).to_string(),
        Fake::Date => {
            let mut text = date(draw).try_to_rfc3339_string().unwrap_or_default();
            text.truncate(10);
            text
        }
    }
}

fn date(draw: &Draw) -> DateTime {
    DateTime::from_millis((draw.number(0) % DAYS * MILLIS_OF_DAY).cast_signed())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
