//! The tokens of a PDF, in the order of its bytes. Nothing is nested here, so that no depth of a file is too deep.

/// A token. Numbers, strings and comments have no meaning for the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// `/Type`, without the slash and with its escapes resolved.
    Name(Vec<u8>),
    /// `obj`, `stream`, `R`, or a number.
    Word(&'a [u8]),
    DictionaryStart,
    DictionaryEnd,
    ArrayStart,
    ArrayEnd,
    Text,
}

/// Reads tokens from a place in the bytes.
pub struct Lexer<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let (token, length) = match rest {
                [b'%', ..] => (None, rest.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(rest.len())),
                [b'/', ..] => {
                    let (name, length) = name(&rest[1..]);
                    (Some(Token::Name(name)), 1 + length)
                }
                [b'<', b'<', ..] => (Some(Token::DictionaryStart), 2),
                [b'>', b'>', ..] => (Some(Token::DictionaryEnd), 2),
                [b'[', ..] => (Some(Token::ArrayStart), 1),
                [b']', ..] => (Some(Token::ArrayEnd), 1),
                [b'(', ..] => (Some(Token::Text), string(rest)),
                [b'<', ..] => {
                    (Some(Token::Text), rest.iter().position(|byte| *byte == b'>').map_or(rest.len(), |end| end + 1))
                }
                [byte, ..] if !is_regular(*byte) => (None, 1),
                [_, ..] => {
                    let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
                    (Some(Token::Word(&rest[..length])), length)
                }
                [] => return None,
            };
            self.at += length;
            if token.is_some() {
                return token;
            }
        }
    }
}

/// The name at the beginning of the bytes, behind its slash, and its length in the file: `J#53` is `JS`.
pub fn name(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut name = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).filter(|byte| is_regular(**byte)) {
        let escaped = match bytes.get(at + 1..at + 3) {
            Some([high, low]) if *byte == b'#' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            name.push(high << 4 | low);
            at += 3;
        } else {
            name.push(*byte);
            at += 1;
        }
    }
    (name, at)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Length of the string in parentheses at the beginning of the bytes.
fn string(bytes: &[u8]) -> usize {
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'(' => open += 1,
            b')' if open == 1 => return at,
            b')' => open -= 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Neither white space nor a delimiter.
pub fn is_regular(byte: u8) -> bool {
    !b"\0\t\n\x0C\r ()<>[]{}/%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_escapes_of_names_resolved() {
        let pdf = b"1 0 obj<</J#53(a\\)(b)c)/K<6a>/A[true/B#zz]>>% /Hidden\nendobj";
        let tokens: Vec<_> = Lexer { bytes: pdf, at: 0 }.collect();
        let name = |name: &[u8]| Token::Name(name.to_owned());
        let expected = [
            Token::Word(b"1"),
            Token::Word(b"0"),
            Token::Word(b"obj"),
            Token::DictionaryStart,
            name(b"JS"),
            Token::Text,
            name(b"K"),
            Token::Text,
            name(b"A"),
            Token::ArrayStart,
            Token::Word(b"true"),
            name(b"B#zz"),
            Token::ArrayEnd,
            Token::DictionaryEnd,
            Token::Word(b"endobj"),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_string_without_an_end_reaches_to_the_end_of_the_file() {
        for pdf in ["(a(b)", "(a\\", "<6a", "("] {
            let tokens: Vec<_> = Lexer { bytes: pdf.as_bytes(), at: 0 }.collect();
            assert_eq!(tokens, [Token::Text], "{pdf}");
        }
    }
}
