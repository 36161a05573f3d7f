//! The name of a setting: `server.port`, `auth.api_keys[0].key`.

use std::fmt;

/// A path into the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<String>);

impl Key {
    /// The key with these parts.
    pub fn of<const N: usize>(parts: [&str; N]) -> Self {
        Self(parts.iter().map(ToString::to_string).collect())
    }

    /// The key with these parts.
    pub fn from_segments(parts: &[String]) -> Self {
        Self(parts.to_vec())
    }

    /// The key of a member of this.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    /// The key of an item of this list.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.child(&format!("[{index}]"))
    }

    /// The key of what is around this; of the root, the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The key up to the first list in it: items change their numbers when one goes.
    #[must_use]
    pub fn outside_lists(&self) -> Self {
        let named = |part: &&String| Self::index_of(part).is_none();
        Self(self.0.iter().take_while(named).cloned().collect())
    }

    /// Its parts.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The index that a part made by [`Key::item`] means.
    pub fn index_of(segment: &str) -> Option<usize> {
        segment.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.0.iter().enumerate() {
            let bare = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            match part {
                item if Self::index_of(item).is_some() => f.write_str(item)?,
                name => {
                    let dot = if position == 0 { "" } else { "." };
                    if bare { write!(f, "{dot}{name}")? } else { write!(f, "{dot}{name:?}")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_written_in_toml() {
        let key = Key::of(["auth", "api_keys"]).item(1).child("key");
        assert_eq!(key.to_string(), "auth.api_keys[1].key");
        assert_eq!(Key::of(["streams", "a.b", "id"]).to_string(), r#"streams."a.b".id"#);
        assert_eq!(key.parent().parent(), Key::of(["auth", "api_keys"]));
    }
}
