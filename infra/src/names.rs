//! Errors for a name that is not in a list of names.

/// The error for an unknown name: it has the nearest name, or all if none is near.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("there is no {kind} `{name}`; did you mean `{near}`?"),
        None => format!("there is no {kind} `{name}`; the {kind}s are {}", known.join(", ")),
    }
}

/// The name that differs least: in at most a third of its letters, or in nothing but case and separators.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = name.to_lowercase().replace(['_', ' '], "-");
    let distance = |known: &&str| strsim::damerau_levenshtein(&folded, known);
    let (near, distance) = known.iter().map(|known| (*known, distance(known))).min_by_key(|(_, distance)| *distance)?;
    (distance <= near.chars().count() / 3).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_with_all() {
        let known = ["show-book", "list-books", "local", "dev", "prod"];
        for (name, expected) in [
            ("show-bok", Some("show-book")),
            ("show-boko", Some("show-book")),
            ("show_book", Some("show-book")),
            ("Show-Book", Some("show-book")),
            ("prd", Some("prod")),
            ("DEV", Some("dev")),
            ("qa", None),
            ("", None),
            ("checkout", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
        assert_eq!(unknown("stage", "prd", &known), "there is no stage `prd`; did you mean `prod`?");
        assert!(unknown("stage", "qa", &known).ends_with("; the stages are show-book, list-books, local, dev, prod"));
    }
}
