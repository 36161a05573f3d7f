//! The name of a place in an event: a member, or a JSON pointer.

use weir_core::selection::Source;

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::streams::check_pointer;

/// The place that is meant.
pub(super) fn place(text: &str) -> Option<Source> {
    Source::parse(text)
}

pub(super) fn check_place(key: &Key, text: &str, report: &mut Report<'_>) {
    if text.is_empty() {
        let remedy = "Name a member, such as event, or a JSON pointer, such as \"/param/price\".";
        report.wrong(key, "names no member", remedy);
    } else if text.starts_with('/') {
        check_pointer(key, text, report);
    }
}
