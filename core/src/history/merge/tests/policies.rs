//! The written form of paths, patterns and policies.

use super::super::{Policy, Strategy};
use super::path;
use crate::document::{Path, Pattern};
use crate::model::CollectionPattern;

#[test]
fn a_path_is_written_with_dots_and_read_back() {
    for (keys, written) in [
        (vec![], "(document)"),
        (vec!["address", "city"], "address.city"),
        (vec!["a.b", "c\\d"], "a\\.b.c\\\\d"),
        (vec!["(document)"], "\\(document)"),
        (vec!["(document)", "x"], "(document).x"),
        (vec![""], ""),
        (vec!["", ""], "."),
        (vec!["items", "sku=\"1.5\""], "items.sku=\"1\\.5\""),
    ] {
        let path = Path::new(keys);
        assert_eq!(path.to_string(), written);
        assert_eq!(written.parse::<Path>().unwrap(), path);
    }
    assert!("a\\".parse::<Path>().is_err());
}

#[test]
fn a_path_contains_those_below() {
    assert!(path("(document)").contains(&path("a")));
    assert!(path("a").contains(&path("a.b")));
    assert!(path("a").contains(&path("a")));
    assert!(!path("a").contains(&path("ab")));
    assert!(!path("a.b").contains(&path("a")));
}

#[test]
fn a_pattern_fits_by_key() {
    for (pattern, fitting, others) in [
        ("stats.*", vec!["stats.x"], vec!["stats", "stats.x.y", "x.stats"]),
        ("stats.**", vec!["stats", "stats.x", "stats.x.y"], vec!["(document)", "stat"]),
        ("**", vec!["(document)", "a", "a.b.c"], vec![]),
        ("*", vec!["a"], vec!["(document)", "a.b"]),
        ("**.price", vec!["price", "items.2.price"], vec!["price.x", "prices"]),
        ("a.**.b.*", vec!["a.b.c", "a.b.b.c", "a.x.b.b.c"], vec!["a.b", "a.b.c.d"]),
        ("(document)", vec!["(document)"], vec!["a"]),
        ("\\*.x", vec!["*.x"], vec!["a.x"]),
    ] {
        let pattern: Pattern = pattern.parse().unwrap();
        for fitting in fitting {
            assert!(pattern.matches(&path(fitting)), "{pattern} {fitting}");
        }
        for other in others {
            assert!(!pattern.matches(&path(other)), "{pattern} {other}");
        }
        assert_eq!(pattern.to_string().parse::<Pattern>().unwrap(), pattern);
    }
}

#[test]
fn a_pattern_of_many_runs_takes_no_longer_than_its_length_times_the_path() {
    let pattern: Pattern = ["**.a"; 40].join(".").parse().unwrap();
    let keys = Path::new(vec!["a"; 2_000]);
    assert!(pattern.matches(&keys));
    let pattern: Pattern = (["**.a"; 40].join(".") + ".b").parse().unwrap();
    assert!(!pattern.matches(&keys));
}

#[test]
fn a_collection_is_named_with_stars() {
    let fits = |pattern: &str, name: &str| CollectionPattern::new(pattern).matches(name);
    assert!(fits("users", "users") && fits("*", "users") && fits("log.*", "log.2026.11"));
    assert!(fits("*s", "users") && fits("u*e*s", "users"));
    assert!(!fits("user", "users") && !fits("users", "user") && !fits("*x", "users"));
}

#[test]
fn a_strategy_is_read_as_it_is_written() {
    for text in
        ["ours", "theirs", "newest", "max", "min", "sum", "union", "append", "by-key(a.b (c))"]
    {
        assert_eq!(text.parse::<Strategy>().unwrap().to_string(), text);
    }
    for text in ["", "Ours", "by-key", "by-key()", "by-key(a", "latest"] {
        let error = text.parse::<Strategy>().unwrap_err();
        assert!(error.to_string().contains("by-key(<field>)"), "{error}");
    }
}

const POLICY: &str = r#"
default = "newest"

[[rules]]
collection = "orders"
path = "items"
strategy = "by-key(sku)"

[[rules]]
path = "stats.*"
strategy = "sum"

[[rules]]
path = "stats.peak"
strategy = "max"
"#;

#[test]
fn the_first_rule_that_fits_counts_and_then_the_default() {
    let policy: Policy = toml::from_str(POLICY).unwrap();
    let strategy = |collection: &str, at: &str| {
        policy.strategy(collection, &path(at).names().collect::<Vec<_>>()).map(Strategy::to_string)
    };
    assert_eq!(strategy("orders", "items").as_deref(), Some("by-key(sku)"));
    assert_eq!(strategy("users", "items").as_deref(), Some("newest"));
    assert_eq!(strategy("users", "stats.peak").as_deref(), Some("sum"));
    assert_eq!(strategy("users", "(document)").as_deref(), Some("newest"));
    assert_eq!(Policy { default: None, ..policy.clone() }.strategy("users", &["x"]), None);
}

#[test]
fn a_policy_can_be_stored_and_a_misspelt_one_is_refused() {
    let policy: Policy = toml::from_str(POLICY).unwrap();
    let bytes = bson::serialize_to_vec(&policy).unwrap();
    assert_eq!(bson::deserialize_from_slice::<Policy>(&bytes).unwrap(), policy);
    assert_eq!(toml::from_str::<Policy>("").unwrap(), Policy::default());
    for wrong in [
        "defaults = \"ours\"",
        "default = \"mine\"",
        "[[rules]]\npath = \"a\"",
        "[[rules]]\npath = \"a\"\nstrategy = \"ours\"\nfield = 1",
        "[[rules]]\npath = 'a\\'\nstrategy = \"ours\"",
    ] {
        assert!(toml::from_str::<Policy>(wrong).is_err(), "{wrong}");
    }
}
