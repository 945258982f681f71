//! The reply of a handler, with security headers, caching, conditional requests and `HEAD`.

use std::{borrow::Cow, cell::RefCell};

use flate2::{Compress, Compression, FlushCompress, Status};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, header::Entry};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Request,
    request::HOST_PREFIX,
    response::{Body, Response},
};
use crate::error::{ApiError, Result};

/// In bytes; a smaller body does not get smaller.
const WORTH_COMPRESSING: usize = 1_000;

/// In seconds.
pub const MINUTE: u32 = 60;
pub const DAY: u32 = 24 * 60 * MINUTE;

#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Cow<'static, [u8]>,
    /// Whether the body is binary, and not text that JSON can contain.
    binary: bool,
    /// A part of the body that differs each time and does not make it another version.
    form_key: Option<String>,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

const SECURITY: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// HSTS for a year, for this host name only, because its subdomains are unknown.
const HTTPS_ONLY: &str = "max-age=31536000";

/// The scheme of a session's cookie, which has no registered name; a challenge is required with 401
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2>).
const SESSION_COOKIE_SCHEME: &str = "Cookie realm=\"account\"";

/// Headers that a script of another site may send: any, because they cannot write and come without cookies. `*` covers all
/// but `Authorization` (<https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>), which some clients always send.
const ALLOWED: &str = "*, Authorization";

/// Headers that scripts of other sites may read, beside those that browsers always let them read.
const EXPOSED: &str = "ETag, Link, Location, Retry-After, X-Request-Id";

impl Reply {
    /// 200 with JSON.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Self::with_status(StatusCode::OK, value)
    }

    /// 202: accepted; its status is at `location`.
    pub fn accepted(location: &str, value: &impl Serialize) -> Result<Self> {
        Ok(Self::with_status(StatusCode::ACCEPTED, value)?.header(header::LOCATION, location))
    }

    /// States when the outcome of what was accepted is usually there.
    #[must_use]
    pub fn with_outcome_in(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// 503 with JSON that names what is unavailable.
    pub fn unavailable(value: &impl Serialize) -> Result<Self> {
        Self::with_status(StatusCode::SERVICE_UNAVAILABLE, value)
    }

    /// A page with its content security policy.
    pub fn page(status: u16, html: String, policy: &'static str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        Self::new(status, HTML, html).header(header::CONTENT_SECURITY_POLICY, policy)
    }

    /// Another content security policy in place of the usual one.
    #[must_use]
    pub fn with_policy(self, policy: &str) -> Self {
        self.header(header::CONTENT_SECURITY_POLICY, policy)
    }

    /// 200 with a text of this kind.
    pub fn text(content_type: &'static str, text: String) -> Self {
        Self::new(StatusCode::OK, content_type, text)
    }

    /// A static file, which never changes under its name; compressed if an encoding is given.
    pub fn file(content_type: &'static str, encoding: Option<&'static str>, bytes: &'static [u8]) -> Self {
        let binary = encoding.is_some() || !content_type.starts_with("text/");
        let reply = Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Cow::Borrowed(bytes),
            binary,
            form_key: None,
        };
        let reply = reply.header(header::CONTENT_TYPE, content_type).header(header::VARY, "accept-encoding");
        match encoding {
            Some(encoding) => reply.header(header::CONTENT_ENCODING, encoding),
            None => reply,
        }
    }

    /// 200 with an image, which is not compressed again. Other sites may show it: its address is in the API and in links.
    pub fn image(content_type: &'static str, bytes: Vec<u8>) -> Self {
        let other_sites = HeaderName::from_static("cross-origin-resource-policy");
        Self::own_image(content_type, bytes).header(other_sites, "cross-origin")
    }

    /// The same for the shop's own pages alone.
    pub fn own_image(content_type: &'static str, bytes: Vec<u8>) -> Self {
        let reply = Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Cow::Owned(bytes),
            binary: true,
            form_key: None,
        };
        reply.header(header::CONTENT_TYPE, content_type)
    }

    /// 303: accepted; its status is at this address.
    pub fn see_other(location: &str) -> Self {
        Self::new(StatusCode::SEE_OTHER, HTML, String::new()).header(header::LOCATION, location)
    }

    /// 301 to the canonical address.
    pub fn moved(location: &str) -> Self {
        Self::new(StatusCode::MOVED_PERMANENTLY, HTML, String::new()).header(header::LOCATION, location)
    }

    /// 308: like 301, for a request with another method than `GET`, which the client repeats with its body.
    pub fn moved_with_body(location: &str) -> Self {
        Self::new(StatusCode::PERMANENT_REDIRECT, HTML, String::new()).header(header::LOCATION, location)
    }

    /// 307: another function of the shop completes the request, which the browser repeats there with its body.
    pub fn handed_over(location: &str) -> Self {
        Self::new(StatusCode::TEMPORARY_REDIRECT, HTML, String::new()).header(header::LOCATION, location)
    }

    /// 204 to `OPTIONS`: the methods of the path. A preflight for reading public data also gets the permission; one for
    /// sending does not.
    pub fn options(request: &Request, allowed: &str) -> Self {
        let reply = Self::new(StatusCode::NO_CONTENT, HTML, String::new()).header(header::ALLOW, allowed);
        let is_read = |method: &str| matches!(method, "GET" | "HEAD");
        let wants_read = request.header("access-control-request-method").is_none_or(is_read);
        if !(request.is_public_data() && wants_read && allowed.split(", ").any(is_read)) {
            return reply;
        }
        reply
            .for_other_sites()
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD")
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED)
            .header(header::ACCESS_CONTROL_MAX_AGE, &DAY.to_string())
    }

    /// Lets scripts of other sites read the response. They never get it with the visitor's cookie.
    fn for_other_sites(self) -> Self {
        self.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .header(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
            .header(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin")
    }

    /// Adds the headers that an error has beside its representation.
    #[must_use]
    pub fn with_headers_of(self, error: &ApiError) -> Self {
        match error {
            ApiError::MethodNotAllowed(allowed) => self.header(header::ALLOW, allowed),
            ApiError::NotSignedIn => self.header(header::WWW_AUTHENTICATE, SESSION_COOKIE_SCHEME),
            _ => self,
        }
    }

    fn with_status(status: StatusCode, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(value).map_err(anyhow::Error::from)?;
        Ok(Self::new(status, JSON, body))
    }

    fn new(status: StatusCode, content_type: &str, body: String) -> Self {
        let reply = Self {
            status,
            headers: HeaderMap::new(),
            body: Cow::Owned(body.into_bytes()),
            binary: false,
            form_key: None,
        };
        reply.header(header::CONTENT_TYPE, content_type).header(header::CACHE_CONTROL, "no-store")
    }

    /// Lets browsers and caches keep the response for this number of seconds.
    #[must_use]
    pub fn cached_for(self, seconds: u32) -> Self {
        self.header(header::CACHE_CONTROL, &format!("public, max-age={seconds}"))
    }

    /// Lets browsers keep the response, and makes them revalidate it each time.
    #[must_use]
    pub fn revalidated(self) -> Self {
        self.header(header::CACHE_CONTROL, "no-cache")
    }

    /// The same for a page that only this browser may keep.
    #[must_use]
    pub fn revalidated_privately(self) -> Self {
        self.header(header::CACHE_CONTROL, "private, no-cache")
    }

    /// Keeps the response out of every cache, because it has personal data.
    #[must_use]
    pub fn unstored(self) -> Self {
        self.header(header::CACHE_CONTROL, "no-store")
    }

    /// Keeps the address of this page, which has a secret, out of the requests for its files and for the pages that it links to.
    #[must_use]
    pub fn without_referrer(self) -> Self {
        self.header(header::REFERRER_POLICY, "no-referrer")
    }

    /// Marks a page with a form that has this key. Another key does not make it another version, so its entity tag leaves
    /// the key out. Only the browser that asked for the page may keep it, because a key belongs to one visitor.
    #[must_use]
    pub fn with_form_key(mut self, key: &str) -> Self {
        self.form_key = Some(key.to_owned());
        if self.status == StatusCode::OK { self.revalidated_privately() } else { self }
    }

    /// Lets browsers and caches keep the response for a year without revalidation, because its name changes with its
    /// content.
    #[must_use]
    pub fn immutable(self) -> Self {
        self.header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
    }

    /// A file that the browser saves under this name, in place of showing it.
    #[must_use]
    pub fn saved_as(self, name: &str) -> Self {
        self.header(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""))
    }

    /// Names the address of the next slice of a list (RFC 8288).
    #[must_use]
    pub fn with_next(self, request: &Request, cursor: Option<&str>) -> Self {
        match cursor {
            Some(cursor) => self.header(header::LINK, &format!("<{}>; rel=\"next\"", request.with_cursor(cursor))),
            None => self,
        }
    }

    /// Keeps the page out of the indexes of search engines, which follow its links all the same.
    #[must_use]
    pub fn unindexed(self) -> Self {
        self.header(HeaderName::from_static("x-robots-tag"), "noindex")
    }

    /// Stores the visitor's cookie for a year, so that a second rating replaces the first.
    #[must_use]
    pub fn remember(self, visitor: &str) -> Self {
        let name = Request::VISITOR_COOKIE;
        self.set_cookie(&format!("{name}={visitor}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"))
    }

    /// Stores the cart for 90 days after its last change, or removes its cookie.
    #[must_use]
    pub fn with_cart(self, cart: Option<&str>) -> Self {
        let (value, seconds) = cart.map_or(("", 0), |value| (value, 90 * DAY));
        self.set_cookie(&format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax", Request::CART_COOKIE))
    }

    /// Stores the id of the latest order for 90 days, so that every page links to it.
    #[must_use]
    pub fn with_order(self, id: &str) -> Self {
        let (name, seconds) = (Request::ORDER_COOKIE, 90 * DAY);
        self.set_cookie(&format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
    }

    /// Stores the newest books of the wishlist for 90 days, so that pages offer to remove them.
    #[must_use]
    pub fn with_wishlist(self, books: &str) -> Self {
        let (name, seconds) = (Request::WISHLIST_COOKIE, 90 * DAY);
        self.set_cookie(&format!("{name}={books}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
    }

    /// Stores the session of somebody who has signed in, for as long as it is valid.
    #[must_use]
    pub fn with_session(self, session: &str, seconds: u64) -> Self {
        self.set_cookie(&format!(
            "{}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax",
            Request::SESSION_COOKIE
        ))
    }

    /// Stores the session of somebody of the staff, who may be a customer too, and have a session as such beside it.
    #[must_use]
    pub fn with_staff_session(self, session: &str, seconds: u64) -> Self {
        let name = Request::STAFF_SESSION_COOKIE;
        self.set_cookie(&format!("{name}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
    }

    /// Stores an attempt to sign in until its end.
    #[must_use]
    pub fn with_attempt(self, attempt: &str, seconds: u64) -> Self {
        let name = Request::SIGN_IN_COOKIE;
        self.set_cookie(&format!("{name}={attempt}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
    }

    /// Leads to another address after the page was shown. Unlike a redirect, it is no part of a form's submission, which the
    /// content security policy keeps inside the shop.
    #[must_use]
    pub fn continued_at(self, location: &str) -> Self {
        self.header(header::REFRESH, &format!("0; url={location}"))
    }

    /// Removes the cookies that name a customer: session, visitor, cart, latest order and wishlist. The next to use the
    /// browser is another visitor.
    #[must_use]
    pub fn forgetting_customer(self) -> Self {
        let cookies = [
            Request::SESSION_COOKIE,
            Request::VISITOR_COOKIE,
            Request::CART_COOKIE,
            Request::ORDER_COOKIE,
            Request::WISHLIST_COOKIE,
        ];
        cookies.into_iter().fold(self, Self::without_cookie)
    }

    /// Removes a cookie of the shop.
    #[must_use]
    pub fn without_cookie(self, name: &str) -> Self {
        self.set_cookie(&format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
    }

    /// Sets the language of the page, and that the response varies with the visitor's language.
    #[must_use]
    pub fn in_language(self, language: &str) -> Self {
        let reply = self.header(header::CONTENT_LANGUAGE, language);
        reply.header(header::VARY, "accept-encoding, accept-language, cookie")
    }

    /// Stores the chosen language in a cookie for a year.
    #[must_use]
    pub fn speaking(self, language: &str) -> Self {
        let name = Request::LANGUAGE_COOKIE;
        self.set_cookie(&format!("{name}={language}; Path=/; Max-Age=31536000; SameSite=Lax"))
    }

    /// Adds a cookie to those that the reply sets already.
    fn set_cookie(mut self, cookie: &str) -> Self {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            self.headers.append(header::SET_COOKIE, cookie);
        }
        self
    }

    /// Sets a header; a value that HTTP does not allow is dropped.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// RFC 9457 problem details of an error.
    pub fn problem(error: &ApiError, request_id: &str) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&error.problem(request_id)).unwrap_or_default();
        Self::new(status, PROBLEM, body)
    }

    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Completes the response to this request. `HEAD` and 304 get the headers of `GET`, and no body.
    pub fn finish(mut self, request: &Request) -> Response {
        if request.is_read() && request.is_public_data() {
            self = self.for_other_sites();
        }
        for (name, value) in SECURITY {
            self.headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
        }
        self = self.header(HeaderName::from_static("x-request-id"), &request.id);
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            self = self.header(header::RETRY_AFTER, "5");
        }
        if self.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && request.has_encoded_body() {
            self = self.header(header::ACCEPT_ENCODING, "identity");
        }
        if request.over_tls() {
            self = self.for_tls_only();
        }
        if self.status == StatusCode::OK && request.is_read() {
            self = self.conditional(request);
        }
        self = self.compressed(request);
        let length = self.body.len();
        let body = if self.binary { Body::Binary(self.body.into_owned()) } else { Body::Text(self.body.into_owned()) };
        if matches!(self.status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT) {
            self.headers.remove(header::CONTENT_TYPE);
            Response::without_body(self.status, self.headers)
        } else if request.method == Method::HEAD {
            self.headers.insert(header::CONTENT_LENGTH, length.into());
            Response::head(self.status, self.headers, body)
        } else {
            Response::new(self.status, self.headers, body)
        }
    }

    /// Browsers use HTTPS from now on, and send the cookies over HTTPS and to this host only.
    fn for_tls_only(mut self) -> Self {
        if let Entry::Occupied(mut cookies) = self.headers.entry(header::SET_COOKIE) {
            for cookie in cookies.iter_mut() {
                if let Ok(secure) =
                    HeaderValue::from_bytes(&[HOST_PREFIX.as_bytes(), cookie.as_bytes(), b"; Secure"].concat())
                {
                    *cookie = secure;
                }
            }
        }
        self.header(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY)
    }

    /// Compresses the body, because the load balancer does not. The fastest level reduces a page to a fifth.
    fn compressed(mut self, request: &Request) -> Self {
        if self.binary || self.body.len() < WORTH_COMPRESSING {
            return self;
        }
        if !self.headers.contains_key(header::VARY) {
            self = self.header(header::VARY, "accept-encoding");
        }
        if request.preferred_encoding(&["gzip"]).is_none() {
            return self;
        }
        self = self.with_weak_tag();
        if self.status == StatusCode::NOT_MODIFIED {
            return self;
        }
        if let Some(bytes) = gzip(&self.body) {
            self.body = Cow::Owned(bytes);
            self.binary = true;
            self = self.header(header::CONTENT_ENCODING, "gzip");
        }
        self
    }

    /// A compressed page has other bytes, so a tag for both is weak (RFC 9110, 8.8.1).
    fn with_weak_tag(self) -> Self {
        match self.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(|tag| format!("W/{tag}")) {
            Some(weak) => self.header(header::ETAG, &weak),
            None => self,
        }
    }

    /// Adds an entity tag, and replies 304 if the caller has this version.
    fn conditional(mut self, request: &Request) -> Self {
        let digest = match (&self.form_key, str::from_utf8(&self.body)) {
            (Some(key), Ok(text)) => text.split(key).fold(Sha256::new(), Digest::chain_update).finalize(),
            _ => Sha256::digest(&self.body),
        };
        let tag = format!("\"{}\"", base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &digest[..12]));
        let known = request.header_list("if-none-match");
        let is_known = |candidate: &str| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag;
        if known.split(',').any(|candidate| is_known(candidate.trim())) {
            self.status = StatusCode::NOT_MODIFIED;
        }
        self.header(header::ETAG, &tag)
    }
}

thread_local! {
    /// Window bits of gzip. The state is kept, because making one clears four hundred kilobytes.
    static GZIP: RefCell<Compress> = RefCell::new(Compress::new_gzip(Compression::fast(), 15));
}

/// The text as gzip; none if it would not be smaller as base64, which is how it leaves.
fn gzip(text: &[u8]) -> Option<Vec<u8>> {
    // A compressed text that does not fit is not worth it.
    let mut packed = Vec::with_capacity(text.len() / 4 * 3);
    let ended = GZIP.with_borrow_mut(|gzip| {
        gzip.reset();
        gzip.compress_vec(text, &mut packed, FlushCompress::Finish)
    });
    (matches!(ended, Ok(Status::StreamEnd)) && packed.len() * 4 / 3 < text.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_text_is_unpacked_to_itself_also_after_one_that_did_not_get_smaller() {
        let page = "Anaquel ".repeat(1_000);
        let noise: Vec<u8> = (0..200_u32).flat_map(|number| Sha256::digest(number.to_le_bytes())).collect();
        for _ in 0..2 {
            let mut unpacked = String::new();
            GzDecoder::new(gzip(page.as_bytes()).unwrap().as_slice()).read_to_string(&mut unpacked).unwrap();
            assert_eq!(unpacked, page);
            assert_eq!(gzip(&noise), None);
        }
    }

    fn request(method: &str, headers: &Value) -> Request {
        let event = json!({"httpMethod": method, "path": "/", "headers": headers});
        Request::from_event(serde_json::from_value(event).unwrap(), "id-1")
    }

    /// The JSON that the load balancer gets.
    fn answer(reply: Reply, method: &str, headers: &Value) -> Value {
        serde_json::from_str(reply.finish(&request(method, headers)).to_json().unwrap().get()).unwrap()
    }

    fn get(reply: Reply, headers: &Value) -> Value {
        answer(reply, "GET", headers)
    }

    fn header<'a>(answer: &'a Value, name: &str) -> &'a str {
        answer["multiValueHeaders"][name][0].as_str().unwrap_or_default()
    }

    #[test]
    fn every_answer_carries_the_security_headers_and_the_request_id() {
        for reply in [Reply::json(&1).unwrap(), Reply::problem(&ApiError::NotFound, "id-1")] {
            let answer = get(reply, &json!({}));
            for (name, _) in SECURITY {
                assert!(!header(&answer, name).is_empty(), "{name}");
            }
            assert_eq!(header(&answer, "x-request-id"), "id-1");
        }
    }

    #[test]
    fn over_https_replies_have_hsts_and_cookies_of_this_host_only() {
        let answer = |proto: &str| {
            let reply = Reply::text("text/plain", String::new()).with_cart(Some("1")).remember("1").speaking("en");
            get(reply, &json!({"x-forwarded-proto": proto}))
        };
        let secure = |answer: &Value| {
            let cookies = answer["multiValueHeaders"]["set-cookie"].as_array().unwrap().iter();
            let cookies = cookies.map(|cookie| cookie.as_str().unwrap());
            cookies.map(|cookie| (cookie.starts_with("__Host-"), cookie.ends_with("; Secure"))).collect::<Vec<_>>()
        };
        let https = answer("https");
        assert_eq!(header(&https, "strict-transport-security"), "max-age=31536000");
        assert_eq!(secure(&https), [(true, true); 3]);
        let http = answer("http");
        assert_eq!(header(&http, "strict-transport-security"), "");
        assert_eq!(secure(&http), [(false, false); 3]);
    }

    /// Scripts do not see them, no other site's form carries them, and over HTTPS no other host of the domain can set them.
    #[test]
    fn every_cookie_of_a_customer_or_bookseller_is_for_this_host_for_requests_and_for_this_site_only() {
        let replies = [
            Reply::text("text/plain", String::new()).with_session("1", 60).with_attempt("2", 60).remember("3"),
            Reply::text("text/plain", String::new()).with_cart(Some("4")).with_order("5").with_wishlist("6"),
            Reply::text("text/plain", String::new()).with_staff_session("7", 60),
            Reply::text("text/plain", String::new()).forgetting_customer().without_cookie(Request::SIGN_IN_COOKIE),
        ];
        let mut names = Vec::new();
        for reply in replies {
            let answer = get(reply, &json!({"x-forwarded-proto": "https"}));
            for cookie in answer["multiValueHeaders"]["set-cookie"].as_array().unwrap() {
                let mut parts = cookie.as_str().unwrap().split("; ");
                names.push(parts.next().and_then(|pair| pair.split('=').next()).unwrap().to_owned());
                let flags: Vec<_> = parts.filter(|flag| !flag.starts_with("Max-Age=")).collect();
                assert_eq!(flags, ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"], "{cookie}");
            }
        }
        let set = ["session", "sign-in", "visitor", "cart", "order", "wishlist", "staff-session"];
        let set = set.map(|name| format!("__Host-{name}"));
        let removed =
            ["session", "visitor", "cart", "order", "wishlist", "sign-in"].map(|name| format!("__Host-{name}"));
        assert_eq!(names, [&set[..], &removed].concat());
    }

    #[test]
    fn cart_order_and_wishlist_are_kept_for_90_days_and_an_empty_cart_is_removed() {
        let cookie = |reply: Reply| header(&get(reply, &json!({})), "set-cookie").to_owned();
        let empty = || Reply::text("text/plain", String::new());
        for cookie in
            [cookie(empty().with_cart(Some("1"))), cookie(empty().with_order("1")), cookie(empty().with_wishlist("1"))]
        {
            assert!(cookie.contains("; Max-Age=7776000; "), "{cookie}");
        }
        assert_eq!(cookie(empty().with_cart(None)), "cart=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn an_error_names_the_allowed_methods_or_the_way_to_sign_in() {
        let answer = |error: &ApiError| get(Reply::problem(error, "id-1").with_headers_of(error), &json!({}));
        let not_allowed = ApiError::MethodNotAllowed("GET, HEAD".into());
        assert_eq!(Reply::problem(&not_allowed, "id-1").status(), 405);
        assert_eq!(header(&answer(&not_allowed), "allow"), "GET, HEAD");
        assert_eq!(header(&answer(&ApiError::NotSignedIn), "www-authenticate"), SESSION_COOKIE_SCHEME);
        let other = answer(&ApiError::NotFound);
        assert_eq!((header(&other, "allow"), header(&other, "www-authenticate")), ("", ""));
    }

    #[test]
    fn a_file_is_sent_as_text_only_if_it_is_text_without_an_encoding() {
        for (content_type, encoding, is_base64) in [
            ("text/css", None, false),
            ("text/css", Some("br"), true),
            ("image/png", None, true),
            ("application/json", Some("gzip"), true),
        ] {
            let answer = get(Reply::file(content_type, encoding, b"bytes"), &json!({}));
            assert_eq!(answer["isBase64Encoded"], is_base64, "{content_type} {encoding:?}");
            assert_eq!(header(&answer, "content-encoding"), encoding.unwrap_or_default());
        }
    }

    #[test]
    fn a_text_is_compressed_from_the_size_at_which_that_pays_and_varies_by_what_is_accepted() {
        for (size, is_compressed) in
            [(WORTH_COMPRESSING - 1, false), (WORTH_COMPRESSING, true), (WORTH_COMPRESSING + 1, true)]
        {
            let reply = || Reply::text("text/plain", "a".repeat(size));
            let answer = get(reply(), &json!({"accept-encoding": "gzip"}));
            assert_eq!(header(&answer, "content-encoding") == "gzip", is_compressed, "{size}");
            assert_eq!(header(&answer, "vary") == "accept-encoding", is_compressed, "{size}");
            let language = get(reply().header(header::VARY, "cookie"), &json!({"accept-encoding": "gzip"}));
            assert_eq!(header(&language, "vary"), "cookie", "{size}");
        }
    }

    #[test]
    fn a_page_with_another_form_key_is_the_same_version_and_belongs_to_one_browser() {
        let page = |key: &str, text: &str| {
            let html = format!("<p>{text}</p><input name=\"key\" value=\"{key}\">");
            Reply::page(200, html, "default-src 'none'").revalidated().with_form_key(key)
        };
        let first = get(page("b6bf864c", "Hola"), &json!({}));
        assert_eq!(header(&first, "cache-control"), "private, no-cache");
        let asked = json!({"if-none-match": header(&first, "etag")});
        assert_eq!(get(page("0798-40c5", "Hola"), &asked)["statusCode"], 304);
        assert_eq!(get(page("0798-40c5", "Adiós"), &asked)["statusCode"], 200);
    }

    #[test]
    fn a_matching_entity_tag_gets_a_304() {
        let first = get(Reply::json(&[1, 2]).unwrap(), &json!({}));
        let asked = json!({"if-none-match": header(&first, "etag")});
        let second = get(Reply::json(&[1, 2]).unwrap(), &asked);
        assert_eq!((&second["statusCode"], second.get("body")), (&json!(304), None));
        assert_eq!(header(&second, "etag"), header(&first, "etag"));
        assert_eq!(get(Reply::json(&[1, 3]).unwrap(), &asked)["statusCode"], 200);
    }

    /// Large enough to be compressed, and small.
    fn replies() -> [Reply; 3] {
        [
            Reply::text("text/plain", "Anaquel ".repeat(1_000)).revalidated(),
            Reply::text("text/plain", "Anaquel".to_owned()).cached_for(MINUTE),
            Reply::file("text/css; charset=utf-8", Some("br"), b"packed").immutable(),
        ]
    }

    const ENCODINGS: [&str; 3] = ["", "gzip", "br"];

    #[test]
    fn a_304_has_the_tag_and_the_caching_of_what_it_stands_for_whatever_the_encoding() {
        for encoding in ENCODINGS {
            for (first, second) in replies().into_iter().zip(replies()) {
                let first = get(first, &json!({"accept-encoding": encoding}));
                let asked = json!({"accept-encoding": encoding, "if-none-match": header(&first, "etag")});
                let second = get(second, &asked);
                assert_eq!((&second["statusCode"], second.get("body")), (&json!(304), None), "{first}");
                assert_eq!(second["isBase64Encoded"], false);
                for name in ["etag", "vary", "cache-control"] {
                    assert_eq!(header(&second, name), header(&first, name), "{name} of {first}");
                }
            }
        }
    }

    #[test]
    fn a_compressed_response_has_a_weak_tag_that_matches_later() {
        let page = || Reply::text("text/plain", "Anaquel ".repeat(1_000));
        let (packed, plain) = (get(page(), &json!({"accept-encoding": "gzip"})), get(page(), &json!({})));
        assert_eq!(header(&packed, "etag"), format!("W/{}", header(&plain, "etag")));
        let asked = json!({"accept-encoding": "gzip", "if-none-match": header(&packed, "etag")});
        assert_eq!(get(page(), &asked)["statusCode"], 304);
    }

    #[test]
    fn head_has_the_headers_of_get_and_its_length_whatever_the_encoding() {
        for encoding in ENCODINGS {
            for (head, got) in replies().into_iter().zip(replies()) {
                let headers = json!({"accept-encoding": encoding});
                let (mut head, got) = (answer(head, "HEAD", &headers), get(got, &headers));
                let body = got["body"].as_str().unwrap();
                let length = if got["isBase64Encoded"] == true {
                    base64::Engine::decode(&base64::prelude::BASE64_STANDARD, body).unwrap().len()
                } else {
                    body.len()
                };
                assert_eq!(header(&head, "content-length"), length.to_string(), "{encoding}");
                assert_eq!((head.get("body"), &head["isBase64Encoded"]), (None, &json!(false)));
                head["multiValueHeaders"].as_object_mut().unwrap().remove("content-length");
                assert_eq!(head["multiValueHeaders"], got["multiValueHeaders"], "{encoding}");
            }
        }
    }

    #[test]
    fn a_body_that_compression_does_not_shrink_is_sent_uncompressed() {
        // Every byte of ASCII that has no escape, in an order without repetition.
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'0' + u8::try_from(state >> 26).unwrap())
        });
        let text: String = noise.take(2_000).collect();
        let answer = get(Reply::text("text/plain", text.clone()), &json!({"accept-encoding": "gzip"}));
        assert_eq!(answer["body"], text);
        assert_eq!(header(&answer, "content-encoding"), "");
    }

    #[test]
    fn a_list_names_the_address_of_its_next_slice() {
        let link = |query: Value, cursor| {
            let event = json!({"httpMethod": "GET", "path": "/api/books", "multiValueQueryStringParameters": query});
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
            let reply = Reply::json(&1).unwrap().with_next(&request, cursor).finish(&request);
            header(&serde_json::from_str(reply.to_json().unwrap().get()).unwrap(), "link").to_owned()
        };
        for (query, cursor, expected) in [
            (json!({}), None, ""),
            (json!({}), Some("abc"), "</api/books?cursor=abc>; rel=\"next\""),
            (
                json!({"q": ["c%2B%2B"], "cursor": ["old"], "sort": [""]}),
                Some("abc"),
                "</api/books?q=c%2B%2B&cursor=abc>; rel=\"next\"",
            ),
            (json!({"q": [">ñ"]}), Some("abc"), "</api/books?q=%3E%C3%B1&cursor=abc>; rel=\"next\""),
        ] {
            assert_eq!(link(query, cursor), expected);
        }
    }

    #[test]
    fn every_503_has_retry_after() {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE.as_u16();
        for reply in [
            Reply::page(unavailable, String::new(), "default-src 'none'"),
            Reply::unavailable(&1).unwrap(),
            Reply::problem(&ApiError::Unavailable(anyhow::anyhow!("away")), "id-1"),
        ] {
            assert_eq!(header(&get(reply, &json!({})), "retry-after"), "5");
        }
        assert_eq!(header(&get(Reply::json(&1).unwrap(), &json!({})), "retry-after"), "");
    }

    #[test]
    fn other_sites_may_read_the_api_and_nothing_else() {
        for (method, path, may_read) in [
            ("GET", "/api/books", true),
            ("HEAD", "/api/books/1", true),
            ("GET", "/openapi.json", true),
            ("POST", "/api/contact", false),
            ("GET", "/books", false),
            ("GET", "/health", false),
        ] {
            for reply in [Reply::json(&1).unwrap(), Reply::problem(&ApiError::NotFound, "id-1")] {
                let event = json!({"httpMethod": method, "path": path});
                let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
                let answer = serde_json::from_str(reply.finish(&request).to_json().unwrap().get()).unwrap();
                let expected = if may_read { ["*", EXPOSED, "cross-origin"] } else { ["", "", "same-origin"] };
                let names =
                    ["access-control-allow-origin", "access-control-expose-headers", "cross-origin-resource-policy"];
                assert_eq!(names.map(|name| header(&answer, name)), expected, "{method} {path}");
            }
        }
    }

    #[test]
    fn a_preflight_gets_the_permission_to_read_and_none_to_write() {
        for (path, allowed, wanted, methods) in [
            ("/api/books", "GET, HEAD", "GET", "GET, HEAD"),
            ("/api/books/1/ratings", "GET, HEAD, POST", "HEAD", "GET, HEAD"),
            ("/api/books/1/ratings", "GET, HEAD, POST", "POST", ""),
            ("/api/contact", "POST", "POST", ""),
            ("/api/contact", "POST", "GET", ""),
            ("/books", "GET, HEAD", "GET", ""),
        ] {
            let event = json!({"httpMethod": "OPTIONS", "path": path, "headers": {
                "origin": "https://other.example", "host": "shop.example", "access-control-request-method": wanted}});
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
            assert!(request.check(false).is_ok(), "{path}");
            let response = Reply::options(&request, allowed).finish(&request).to_json().unwrap();
            let answer: Value = serde_json::from_str(response.get()).unwrap();
            assert_eq!((&answer["statusCode"], answer.get("body")), (&json!(204), None));
            assert_eq!(header(&answer, "allow"), allowed);
            assert_eq!(header(&answer, "access-control-allow-methods"), methods, "{wanted} {path}");
            let headers = if methods.is_empty() { "" } else { "*, Authorization" };
            assert_eq!(header(&answer, "access-control-allow-headers"), headers, "{wanted} {path}");
            assert_eq!(header(&answer, "access-control-allow-origin").is_empty(), methods.is_empty());
        }
    }

    #[test]
    fn list_headers_may_have_several_lines() {
        let page = || Reply::text("text/plain", "Anaquel ".repeat(1_000));
        let tag = header(&get(page(), &json!({})), "etag").to_owned();
        let asked = |name: &str, lines: &[&str]| {
            let event = json!({"httpMethod": "GET", "path": "/", "multiValueHeaders": {name: lines}});
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
            serde_json::from_str::<Value>(page().finish(&request).to_json().unwrap().get()).unwrap()
        };
        assert_eq!(asked("if-none-match", &["\"other\"", &tag])["statusCode"], 304);
        assert_eq!(asked("if-none-match", &["*"])["statusCode"], 304);
        assert_eq!(asked("if-none-match", &["\"other\""])["statusCode"], 200);
        assert_eq!(header(&asked("accept-encoding", &["br", "gzip;Q=1"]), "content-encoding"), "gzip");
        assert_eq!(header(&asked("accept-encoding", &["br", "gzip;q=0"]), "content-encoding"), "");
    }

    #[test]
    fn a_problem_states_the_fix_and_hides_its_cause() {
        let error = ApiError::Unavailable(anyhow::anyhow!("password hush refused"));
        let answer = get(Reply::problem(&error, "id-1"), &json!({}));
        let body = answer["body"].as_str().unwrap();
        assert_eq!(header(&answer, "retry-after"), "5");
        assert_eq!(header(&answer, "content-type"), PROBLEM);
        assert!(body.contains("Try again") && body.contains("id-1") && !body.contains("hush"), "{body}");
    }
}
