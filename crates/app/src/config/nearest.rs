//! The word that was probably meant.

/// The most alike of `known`, where one is alike enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &'a str| {
        let (word, plain) = (word.to_ascii_lowercase(), candidate.to_ascii_lowercase());
        // Two letters the wrong way round count as one slip; in a short word that is all that can be forgiven.
        let slips = strsim::osa_distance(&word, &plain);
        let likeness = strsim::jaro_winkler(&word, &plain);
        (likeness > 0.8 || slips <= word.len() / 3).then_some((likeness, candidate))
    };
    let alike = known.into_iter().filter_map(likeness);
    alike.max_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, candidate)| candidate)
}

/// "Did you mean `x`?" where a word is near, and the list of what there is.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`? There are: {list}."),
        None if known.is_empty() => "There is none.".to_owned(),
        None => format!("There are: {list}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["max_bytes", "free_min_bytes", "retention"];
        assert_eq!(nearest("max_byte", known), Some("max_bytes"));
        assert_eq!(nearest("Retenion", known), Some("retention"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("ulr", ["url", "ca", "index"]), Some("url"));
    }
}
