use super::record::{TokenRecord, UserRecord, token_of_ref, token_ref, user_of_ref, user_ref};
use super::token::TokenText;
use super::{
    Credentials, Grant, Role, Scope, ScramKeys, Token, TokenId, User, UserDatabase, UserName,
};
use crate::storage::{record_from_bytes, record_to_bytes};

fn ada() -> User {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    User {
        name: UserName::new(UserDatabase::Admin, "ada@example.com").unwrap(),
        id: *b"0123456789abcdef",
        grants: vec![
            Grant { role: Role::Read, scope: Scope::All },
            Grant { role: Role::ReadWrite, scope: scope("shop@try") },
        ],
        credentials: Credentials {
            scram_sha_256: Some(ScramKeys {
                salt: vec![1; 28],
                iterations: 15_000,
                stored_key: vec![2; 32],
                server_key: vec![3; 32],
            }),
            scram_sha_1: None,
        },
        created: bson::DateTime::from_millis(1_700_000_000_000),
        actor: "root".into(),
    }
}

/// The record of version 1, which never changes.
const GOLDEN: &str = include_str!("golden/user-1.hex");

#[test]
fn the_record_of_a_user_has_the_bytes_of_its_golden_file() {
    let bytes = record_to_bytes(&UserRecord::of(&ada())).unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&bytes), GOLDEN.trim());
    let record: UserRecord = record_from_bytes(&bytes).unwrap();
    assert_eq!(record.user(ada().name).unwrap(), ada());
}

fn token() -> Token {
    Token {
        id: TokenId(*b"12345678"),
        name: "nightly import".into(),
        user: ada().name,
        user_id: ada().id,
        grants: Some(vec![Grant { role: Role::Read, scope: Scope::All }]),
        created: bson::DateTime::from_millis(1_700_000_000_000),
        expires: Some(bson::DateTime::from_millis(1_800_000_000_000)),
        actor: "root".into(),
        hash: [7; 32],
    }
}

#[test]
fn the_record_of_a_token_has_the_bytes_of_its_golden_file() {
    let golden = include_str!("golden/token-1.hex");
    let bytes = record_to_bytes(&TokenRecord::of(&token())).unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden.trim());
    let record: TokenRecord = record_from_bytes(&bytes).unwrap();
    assert_eq!(record.token(token().id).unwrap(), token());
    assert_eq!(token_of_ref(&token_ref(token().id)).unwrap(), token().id);
    token_of_ref("token/1").unwrap_err();
}

#[test]
fn the_record_of_the_audit_never_changes() {
    let record = super::audit::AuditRecord { project: "audit".into() };
    let bytes = record_to_bytes(&record).unwrap();
    assert_eq!(bytes, b"\x18\0\0\0\x02project\0\x06\0\0\0audit\0\0");
}

#[test]
fn only_the_text_of_a_token_has_its_hash() {
    let of = |byte| TokenText { id: TokenId([byte; 8]), secret: vec![byte; 32] };
    let (one, other) = (of(1), of(2));
    let text = one.text();
    let read = TokenText::parse(text.reveal()).unwrap();
    assert!(read.id == one.id && read.has_hash(one.hash()) && !read.has_hash(other.hash()));
    for wrong in ["", "argon_", "argon_AAAA", "other_AAAA", &text.reveal()[..50]] {
        assert!(TokenText::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn the_ref_of_a_user_gives_its_name_back() {
    for (database, name, reference) in [
        ("admin", "ada", "user/admin/ada"),
        ("shop", "ada@example.com", "user/shop/ada%40example.com"),
        ("$external", "CN=ada,O=x/y", "user/%24external/CN%3Dada%2CO%3Dx%2Fy"),
        ("admin", "ü", "user/admin/%C3%BC"),
    ] {
        let name = UserName::new(database.parse().unwrap(), name).unwrap();
        assert_eq!(user_ref(&name), reference);
        assert_eq!(user_of_ref(reference).unwrap(), name);
    }
    for wrong in ["", "a\nb", &"x".repeat(256)] {
        UserName::new(UserDatabase::Admin, wrong).unwrap_err();
    }
}

#[test]
fn nothing_of_the_keys_is_in_the_debug_form_of_a_user() {
    let shown = format!("{:?} {:?}", ada(), UserRecord::of(&ada()));
    for secret in ["2, 2, 2", "3, 3, 3", "1, 1, 1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_pattern_is_read_as_it_is_written() {
    let scope: Scope = "shop:sandbox/*".parse().unwrap();
    assert_eq!(scope.to_string(), "shop:sandbox/*");
    assert!(matches!(scope, Scope::Branches(..)));
    for wrong in ["shop:", "shop:a b*", "*:main", "shop:/*"] {
        wrong.parse::<Scope>().unwrap_err();
    }
}

#[test]
fn a_scope_covers_what_is_in_it() {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    for (outer, inner, covers) in [
        ("*", "shop:try", true),
        ("*", "*", true),
        ("shop", "shop:try", true),
        ("shop", "shop", true),
        ("shop", "*", false),
        ("shop", "shop2", false),
        ("shop:try", "shop@try", true),
        ("shop:try", "shop", false),
        ("shop:try", "shop:try2", false),
        ("shop:try", "other:try", false),
        ("shop:sandbox/*", "shop:sandbox/1", true),
        ("shop:sandbox/*", "shop:sandbox/a/b", true),
        ("shop:sandbox/*", "shop:sandbox", false),
        ("shop:sandbox/*", "shop:main", false),
        ("shop:sandbox/*", "shop", false),
        ("shop:sandbox/*", "other:sandbox/1", false),
        ("shop:sandbox/*", "shop:sandbox/*", true),
        ("shop", "shop:sandbox/*", true),
        ("shop:try", "shop:tr*", false),
        ("shop:a*b*c", "shop:aXbYc", true),
        ("shop:a*b*c", "shop:abc", true),
        ("shop:a*b*c", "shop:acb", false),
        ("shop:*", "shop:main", true),
    ] {
        assert_eq!(scope(outer).covers(&scope(inner)), covers, "{outer} {inner}");
    }
    for wrong in ["", "a b", "shop:", "shop:try@5", "shop@@5", "**"] {
        wrong.parse::<Scope>().unwrap_err();
    }
}
