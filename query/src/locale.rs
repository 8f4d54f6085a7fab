//! The locales of collations: those that MongoDB documents, and no others.
//!
//! MongoDB takes a locale only if its ICU has rules of that very name, so `de` and not `de_DE`. The
//! library here takes any, and gives Unicode's root order to those that it does not know.

use argon_core::{Error, Result};
use bson::Document;
use icu_locale_core::Locale;

use crate::Code;

/// The locales without variants of their own.
const PLAIN: &str = "af am as be bg bo bs_Cyrl chr cy dsb dz ee el en en_US en_US_POSIX eo et fa fa_AF fil \
                     fo fr fr_CA ga gu ha haw hi hsb hu hy id ig it ka kk km kok ky lb lkt lo lt lv mk ml mn \
                     mr ms mt my ne nl om or pa pl ps pt ro ru sl sq sr sw ta te th to ug uk ur wae yo zh_Hant \
                     zu";

/// The other locales, each with its variants.
const WITH_VARIANTS: &[(&str, &str)] = &[
    ("ar", "compat"),
    ("az", "search"),
    ("bn", "traditional"),
    ("bs", "search"),
    ("ca", "search"),
    ("cs", "search"),
    ("da", "search"),
    ("de", "search eor phonebook"),
    ("de_AT", "phonebook"),
    ("es", "search traditional"),
    ("fi", "search traditional"),
    ("gl", "search"),
    ("he", "search"),
    ("hr", "search"),
    ("is", "search"),
    ("ja", "unihan"),
    ("kl", "search"),
    ("kn", "traditional"),
    ("ko", "search searchjl unihan"),
    ("ln", "phonetic"),
    ("nb", "search"),
    ("nn", "search"),
    ("se", "search"),
    ("si", "dictionary"),
    ("sk", "search"),
    ("smn", "search"),
    ("sr_Latn", "search"),
    ("sv", "search"),
    ("tr", "search"),
    ("vi", "traditional"),
    ("yi", "search"),
    ("zh", "big5han gb2312han unihan zhuyin"),
];

/// The names of variants in ICU that BCP 47 abbreviates.
const ABBREVIATED: [(&str, &str); 4] = [
    ("phonebook", "phonebk"),
    ("traditional", "trad"),
    ("dictionary", "dict"),
    ("gb2312han", "gb2312"),
];

/// Parses a locale of ICU, such as `fr_CA` or `de@collation=phonebook`.
///
/// # Errors
/// `BadValue` if MongoDB does not know it, with the locale of its language if it knows that.
pub(crate) fn parse(name: &str, specification: &Document) -> Result<Locale> {
    let (base, variant) = match name.split_once("@collation=") {
        Some((base, variant)) => (base, Some(variant)),
        None => (name, None),
    };
    let variants = variants(base).ok_or_else(|| unknown(base, specification))?;
    let mut tag = base.replace('_', "-");
    if let Some(variant) = variant {
        if !variants.split(' ').any(|known| known == variant) {
            return Err(unknown(base, specification));
        }
        let short = ABBREVIATED.iter().find(|(long, _)| *long == variant);
        tag = format!("{tag}-u-co-{}", short.map_or(variant, |(_, short)| short));
    }
    tag.parse().map_err(|_| unknown(base, specification))
}

/// The variants of a locale; `None` if it is unknown.
fn variants(base: &str) -> Option<&'static str> {
    let with_variants = WITH_VARIANTS.iter().find(|(known, _)| *known == base);
    let plain = || PLAIN.split_ascii_whitespace().any(|known| known == base).then_some("");
    with_variants.map(|(_, variants)| *variants).or_else(plain)
}

fn unknown(base: &str, specification: &Document) -> Error {
    let language = base.split(['_', '-', '@']).next().unwrap_or_default().to_ascii_lowercase();
    let meant = variants(&language).map(|_| format!(". Did you mean '{language}'?"));
    Code::BAD_VALUE.error(format!(
        "Field 'locale' is invalid in: {specification}{}",
        meant.unwrap_or_default()
    ))
}
