//! Header lists with weights, such as `Accept-Encoding`: <https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2>.

/// The items of a list with their weights, from 0 (not acceptable) to 1, in the order of the list. An item whose weight
/// cannot be read is left out.
pub fn weighted(list: &str) -> impl Iterator<Item = (&str, f32)> {
    list.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let given =
            parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let weight = given.map_or(Ok(1.0), |(_, weight)| weight.trim().parse());
        Some((name, weight.ok().filter(|weight| (0.0..=1.0).contains(weight))?))
    })
}

/// The weight of a name in a list: its own, or else that of `*`; none if the list has neither.
pub fn weight_of(list: &str, wanted: &str) -> Option<f32> {
    let find = |wanted: &str| weighted(list).find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    find(wanted).or_else(|| find("*")).map(|(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_names_and_weights_and_what_cannot_be_read_is_left_out() {
        for (list, expected) in [
            ("gzip", &[("gzip", 1.0)][..]),
            ("gzip;q=0.5", &[("gzip", 0.5)]),
            ("gzip;Q=0.5", &[("gzip", 0.5)]),
            (" gzip ; q = 0.5 , br ", &[("gzip", 0.5), ("br", 1.0)]),
            ("text/html;level=1;q=0.2", &[("text/html", 0.2)]),
            ("en;q=0, *;q=1.000", &[("en", 0.0), ("*", 1.0)]),
            ("en;q=x, en;q=, en;q=NaN, en;q=-1, en;q=2, es", &[("es", 1.0)]),
            ("", &[]),
            (",, ;q=1,", &[]),
        ] {
            assert_eq!(weighted(list).collect::<Vec<_>>(), expected, "{list}");
        }
    }

    #[test]
    fn a_name_outranks_the_asterisk() {
        for (list, expected) in [
            ("gzip;q=0, *", Some(0.0)),
            ("*, GZIP;q=0.5", Some(0.5)),
            ("*;q=0", Some(0.0)),
            ("br, *;q=0.1", Some(0.1)),
            ("br", None),
        ] {
            assert_eq!(weight_of(list, "gzip"), expected, "{list}");
        }
    }
}
