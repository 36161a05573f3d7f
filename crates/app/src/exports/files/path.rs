//! Where a file's bytes stand in a part.
//!
//! **Constraint.** A path is relative, leads nowhere else, and is given once over all parts: by the file's number. So all
//! parts can be unpacked into one folder.

use std::path::{Component, Path};

use weir_core::files::StoredFile;

/// `2026-11-20/NUMBER/NAME`: all of a file, beneath the day when it was stored.
pub fn whole(file: &StoredFile) -> String {
    format!("{}/{}", folder(file), name(&file.facts.name))
}

/// `2026-11-20/NUMBER/pieces/OFFSET`: some of it. In the order of their names they are the file.
pub fn piece(file: &StoredFile, offset: u64) -> String {
    format!("{}/pieces/{offset:020}", folder(file))
}

fn folder(file: &StoredFile) -> String {
    let (year, month, day) = file.facts.stored_at.date();
    format!("{year:04}-{month:02}-{day:02}/{}", file.id)
}

/// The name, as long as it is one: it is not asked here who let it in.
fn name(name: &str) -> &str {
    let mut components = Path::new(name).components();
    let is_plain = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    let is_odd = |mark: char| mark.is_control() || matches!(mark, '/' | '\\');
    match is_plain && !name.contains(is_odd) && name.len() <= 255 {
        true => name,
        false => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_that_leads_elsewhere_is_not_taken() {
        for plain in ["in-1.csv", "a..b", ".hidden", "Überweisung (2).pdf"] {
            assert_eq!(name(plain), plain);
        }
        for odd in
            ["", ".", "..", "../a", "/etc/passwd", "a/", "a/b", "a\\b", "a\0b", "a\nb", &"x".repeat(256)]
        {
            assert_eq!(name(odd), "file", "{odd:?}");
        }
    }
}
