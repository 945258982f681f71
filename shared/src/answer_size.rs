//! Size limits of an answer, in bytes of the JSON that a load balancer reads.

/// Bytes of the largest answer: a load balancer answers 502 in place of one with more than 1 MB, headers and escapes
/// included (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>).
pub const MAX_ANSWER: usize = 1_000_000;

/// The largest number of bytes ([`encoded_len`]) of text by visitors in one response; the rest is for the markup around
/// it.
pub const MAX_WRITTEN: usize = 600_000;

/// An upper bound of the bytes of a text in a response, as HTML or in JSON, inside the JSON string for the load
/// balancer.
pub fn encoded_len(text: &str) -> usize {
    let bytes = |c: char| match c {
        '"' | '<' | '>' | '&' | '\'' => 5, // &#34; in HTML, \\\" in JSON
        '\\' => 4,
        '\n' | '\r' | '\t' => 3,
        c if c.is_ascii_control() => 7, // \\u0007
        c => c.len_utf8(),
    };
    text.chars().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_takes_more_bytes_than_its_encoded_length() {
        let mut hostile: String = (0..=255_u8).map(char::from).collect();
        hostile.push_str("\u{2028}\u{feff}😀漢");
        for c in hostile.chars() {
            let text = c.to_string();
            let in_json = serde_json::to_string(&serde_json::to_string(&text).unwrap()).unwrap().len() - 6;
            assert!(in_json <= encoded_len(&text), "{c:?} takes {in_json} bytes");
        }
    }
}
