//! Takes passwords out of the addresses in a text that is shown.
//!
//! **Constraint.** Where it is not clear what is the password, too much is hidden rather than too little.

use crate::secret::HIDDEN;

/// Parts of the names of parameters whose values are secret.
const SECRET_PARAMETERS: [&str; 6] = ["password", "passwd", "secret", "token", "api_key", "access_key"];

/// `://user:password@host?token=x` becomes `://user:(hidden)@host?token=(hidden)`.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let (address, further) = after.split_at(end_of_address(after));
        shown.push_str(before);
        shown.push_str("://");
        shown.push_str(&masked_parameters(&masked_password(address)));
        rest = further;
    }
    shown + rest
}

/// At white space, or at the quote that ends the text it stands in: a quote within a password ends nothing.
fn end_of_address(text: &str) -> usize {
    let ends = |(at, character): (usize, char)| match character {
        '"' | '\'' => text[at + 1..].chars().next().is_none_or(|next| " ,]}#\t\n".contains(next)),
        other => other.is_whitespace(),
    };
    text.char_indices().find(|place| ends(*place)).map_or(text.len(), |(at, _)| at)
}

/// Up to the last `@`, as a password may hold what should have been escaped.
fn masked_password(address: &str) -> String {
    match address.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{user}:{HIDDEN}@{host}"),
        None => address.to_owned(),
    }
}

fn masked_parameters(address: &str) -> String {
    let Some((place, query)) = address.split_once('?') else { return address.to_owned() };
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET_PARAMETERS.iter().any(|part| name.contains(part))
    };
    let masked = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    format!("{place}?{}", query.split('&').map(masked).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_hidden_however_it_is_written() {
        for (text, shown) in [
            (
                r#"url = "http://elastic:hunter2@search:9200/x""#,
                r#"url = "http://elastic:(hidden)@search:9200/x""#,
            ),
            ("redis://:hunter2@h:6379/0", "redis://:(hidden)@h:6379/0"),
            ("postgres://w:hunter2/hunter2?@h,i/db", "postgres://w:(hidden)@h,i/db"),
            ("postgres://w:hunter2@hunter2@h/db", "postgres://w:(hidden)@h/db"),
            (
                r#"["http://a:hunter2@b", "http://c:hunter2@d"]"#,
                r#"["http://a:(hidden)@b", "http://c:(hidden)@d"]"#,
            ),
            (r#""http://a:hunter2"hunter2@b""#, r#""http://a:(hidden)@b""#),
            ("http://h/?user=u&password=hunter2&x=1", "http://h/?user=u&password=(hidden)&x=1"),
            (
                "postgres://w@h/db?sslmode=require&sslpassword=hunter2",
                "postgres://w@h/db?sslmode=require&sslpassword=(hidden)",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "",
            "level = \"info\"",
            "url = \"https://search.example.com:9200/x?a=b\"",
            "mailto:a@b",
            "[\"http://a:80\", \"b@c\"]",
            "file:///var/lib/weir # weir.toml:3",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
