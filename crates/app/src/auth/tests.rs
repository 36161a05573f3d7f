//! Who is let in, and above all who is not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::HeaderValue;
use sha2::{Sha256, Sha512};
use weir_core::time::Timestamp;

use super::{AuthSettings, Authenticator, Caller, Denied, NamedKey, sign};
use crate::secret::Secret;

const SECRET: &str = "a secret of at least thirty-two bytes";

fn now() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000)
}

fn key(name: &str, key: &str) -> NamedKey {
    NamedKey { name: name.to_owned(), key: Secret::new(key) }
}

fn authenticator() -> Authenticator {
    Authenticator::new(&AuthSettings {
        keys: vec![key("app", "first-key"), key("empty", ""), key("web", "second-key")],
        jwt_secret: Some(Secret::new(SECRET)),
    })
}

fn present(header: &str) -> Result<Caller, Denied> {
    authenticator().authenticate(Some(&HeaderValue::from_str(header).unwrap()), now())
}

fn token(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn present_token(header: &str, claims: &str) -> Result<Caller, Denied> {
    present(&format!("Bearer {}", token(header, claims)))
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn each_key_admits_under_its_own_name() {
    assert_eq!(&*present("Bearer first-key").unwrap().credential, "key:app");
    assert_eq!(&*present("bearer second-key").unwrap().credential, "key:web");
    assert_eq!(present("Bearer first-key").unwrap().user_id, None);
}

#[test]
fn basic_takes_the_key_as_password_and_any_user() {
    for pair in ["anybody:first-key", ":first-key"] {
        let header = format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(&*present(&header).unwrap().credential, "key:app");
    }
    for pair in ["first-key:", "first-key", "a:b:first-key"] {
        assert!(present(&format!("Basic {}", STANDARD.encode(pair))).is_err(), "{pair}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(authenticator().authenticate(None, now()), Err(Denied::Missing));
    for header in ["", "Bearer", "Bearer ", "first-key", "Digest first-key", "Basic %%%", "Bearer  "] {
        assert_eq!(present(header), Err(Denied::Unreadable), "{header}");
    }
    for header in ["Bearer first-keY", "Bearer first-key2", "Bearer first-ke", "Bearer first-key second-key"]
    {
        assert_eq!(present(header), Err(Denied::Unknown), "{header}");
    }
}

#[test]
fn a_header_that_is_not_ascii_is_refused() {
    let header = HeaderValue::from_bytes(b"Bearer \xff").unwrap();
    assert_eq!(authenticator().authenticate(Some(&header), now()), Err(Denied::Unreadable));
}

#[test]
fn an_empty_key_or_secret_admits_nobody() {
    let empty = Authenticator::new(&AuthSettings {
        keys: vec![key("default", ""), key("blank", " ")],
        jwt_secret: Some(Secret::default()),
    });
    let empty_hmac = {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HS256), URL_SAFE_NO_PAD.encode("{}"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    for header in [
        "Bearer x".to_owned(),
        format!("Basic {}", STANDARD.encode("a: ")),
        format!("Basic {}", STANDARD.encode("a:")),
        format!("Bearer {empty_hmac}"),
    ] {
        let header = HeaderValue::from_str(&header).unwrap();
        assert_eq!(empty.authenticate(Some(&header), now()), Err(Denied::Unknown));
    }
    assert_eq!(sign(&Secret::default(), "alice", None, now()), None);
}

#[test]
fn a_token_names_its_user() {
    let token = sign(&Secret::new(SECRET), "alice", None, now()).unwrap();
    let caller = present(&format!("Bearer {token}")).unwrap();
    assert_eq!((&*caller.credential, caller.user_id.as_deref()), ("jwt:alice", Some("alice")));
    for claims in ["{}", r#"{"sub":""}"#] {
        let unnamed = present_token(HS256, claims).unwrap();
        assert_eq!((&*unnamed.credential, unnamed.user_id), ("jwt:", None));
    }
}

#[test]
fn a_token_is_good_from_nbf_until_exp_with_half_a_minute_of_leeway() {
    let at = |claim: &str, offset: i64| {
        present_token(HS256, &format!(r#"{{"sub":"a","{claim}":{}}}"#, 1_800_000_000 + offset)).map(|_| ())
    };
    assert_eq!((at("exp", 1), at("exp", -29), at("exp", -30)), (Ok(()), Ok(()), Err(Denied::Expired)));
    assert_eq!((at("nbf", -1), at("nbf", 30), at("nbf", 31)), (Ok(()), Ok(()), Err(Denied::NotYet)));
    assert_eq!(present_token(HS256, r#"{"exp":"soon"}"#), Err(Denied::Unknown));
    assert_eq!(present_token(HS256, r#"{"exp":1e400}"#), Err(Denied::Unknown));
}

#[test]
fn no_algorithm_but_hs256_is_taken_however_well_it_is_signed() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        "null",
        "",
    ] {
        assert_eq!(present_token(header, r#"{"sub":"admin"}"#), Err(Denied::Unknown), "{header}");
    }
}

#[test]
fn forged_and_broken_tokens_are_refused() {
    let good = token(HS256, r#"{"sub":"alice"}"#);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other_claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"admin"}"#);
    let hs512 = {
        let mut mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    };
    let forged = [
        format!("{signed}."),
        signed.to_owned(),
        format!("{}.{other_claims}.{signature}", signed.split_once('.').unwrap().0),
        format!("{signed}.{}", &signature[..signature.len() - 2]),
        format!("{signed}.{signature}AA"),
        format!("{signed}.{signature}="),
        format!("{signed}.{hs512}"),
        format!("{signed}.{}", "A".repeat(5000)),
        format!(".{good}"),
        format!("{good}.{signature}"),
        "..".to_owned(),
        ".".to_owned(),
    ];
    for token in forged {
        assert_eq!(present(&format!("Bearer {token}")), Err(Denied::Unknown), "{token}");
    }
}

#[test]
fn a_secret_is_not_shown_when_printed() {
    let settings =
        AuthSettings { keys: vec![key("app", "first-key")], jwt_secret: Some(Secret::new(SECRET)) };
    let printed = format!("{settings:?}");
    assert!(!printed.contains("first-key") && !printed.contains(SECRET), "{printed}");
}
