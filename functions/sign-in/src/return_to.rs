//! The address to which somebody returns after signing in. It comes from a link, so it may be anybody's: it never leads out of
//! the shop, and never back to signing in.

use frontend::links;
use shared::{Request, session::Pool};

/// The parameter of the address.
const PARAMETER: &str = "return";
/// In bytes. The address is in a cookie, of which browsers keep 4 KB.
const MAX_LENGTH: usize = 1_000;

/// The address of the request, if it is one of the shop's, and for the staff one of theirs; otherwise the pool's own page.
pub fn of(request: &Request, pool: Pool) -> String {
    let asked = request.raw_parameter(PARAMETER).map(links::decoded).unwrap_or_default();
    let is_acceptable = is_of_shop(&asked) && (pool == Pool::Customers || is_below(&asked, pool.home()));
    if is_acceptable { asked } else { pool.home().to_owned() }
}

/// Whether the address is this path or one below it.
fn is_below(address: &str, path: &str) -> bool {
    let rest = address.split(['?', '#']).next().unwrap_or_default().strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a browser reads it as a path of this origin: a slash, no second one, and no character that browsers drop or read as
/// another.
fn is_of_shop(address: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte);
    let leads_here =
        Pool::ALL.into_iter().any(|pool| is_below(address, pool.sign_in()) || is_below(address, pool.sign_out()));
    address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= MAX_LENGTH
        && address.bytes().all(is_plain)
        && !leads_here
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "/account";

    #[test]
    fn an_address_that_could_leave_the_shop_leads_to_the_account() {
        for (raw, expected) in [
            ("%2F", "/"),
            ("/books/53", "/books/53"),
            ("%2Fbooks%3Fq%3Dc%252B%252B%26sort%3Dtitle", "/books?q=c%2B%2B&sort=title"),
            ("/account/orders", "/account/orders"),
            ("/sign-inn", "/sign-inn"),
            ("", ACCOUNT),
            ("books", ACCOUNT),
            ("https://evil.example", ACCOUNT),
            ("https%3A%2F%2Fevil.example", ACCOUNT),
            ("//evil.example", ACCOUNT),
            ("%2F%2Fevil.example", ACCOUNT),
            ("/%2Fevil.example", ACCOUNT),
            ("/\\evil.example", ACCOUNT),
            ("/%5Cevil.example", ACCOUNT),
            ("%5C%5Cevil.example", ACCOUNT),
            ("/%09/evil.example", ACCOUNT),
            ("/%0A/evil.example", ACCOUNT),
            ("/%0d%0aset-cookie:%20a=b", ACCOUNT),
            ("/a%0d%0alocation:%20https://evil.example", ACCOUNT),
            ("/%00", ACCOUNT),
            ("/+a", ACCOUNT),
            ("%20//evil.example", ACCOUNT),
            ("javascript:alert(1)", ACCOUNT),
            ("/libro-%C3%B1", ACCOUNT),
            ("/%FF", ACCOUNT),
            ("@evil.example", ACCOUNT),
            (".evil.example", ACCOUNT),
            ("?x=1", ACCOUNT),
            ("/sign-in", ACCOUNT),
            ("/sign-in?return=/", ACCOUNT),
            ("/sign-in/return?code=1", ACCOUNT),
            ("/sign-out", ACCOUNT),
            ("/staff/sign-in", ACCOUNT),
        ] {
            let event = json!({ "httpMethod": "GET", "path": "/sign-in", "queryStringParameters": { "return": raw } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            assert_eq!(of(&request, Pool::Customers), expected, "{raw}");
        }
        assert!(!is_of_shop(&format!("/{}", "a".repeat(MAX_LENGTH))));
    }

    #[test]
    fn the_staff_returns_to_its_own_pages_only() {
        for (raw, expected) in [
            ("/staff/orders/100042?from=list", "/staff/orders/100042?from=list"),
            ("/staff", "/staff"),
            ("/staff?x=1", "/staff?x=1"),
            ("/staffroom", "/staff"),
            ("/account", "/staff"),
            ("/", "/staff"),
            ("", "/staff"),
            ("//evil.example/staff/", "/staff"),
            ("/staff/sign-in", "/staff"),
            ("/staff/sign-in/return?code=1", "/staff"),
            ("/staff/sign-out?x", "/staff"),
        ] {
            let event =
                json!({ "httpMethod": "GET", "path": "/staff/sign-in", "queryStringParameters": { "return": raw } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            assert_eq!(of(&request, Pool::Staff), expected, "{raw}");
        }
    }

    #[test]
    fn a_path_that_is_encoded_twice_stays_a_path_of_the_shop() {
        // What a browser shows as one segment is none of another host.
        assert!(is_of_shop("/%2F/evil.example") && is_of_shop("/%5C/evil.example"));
    }
}
