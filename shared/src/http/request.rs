//! A request as the handlers see it.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_decode_str, utf8_percent_encode};

use super::{
    Event, JsonObject, MAX_BODY, Query,
    event::Gateway,
    weighted::{weight_of, weighted},
};
use crate::{
    answer_size::{MAX_WRITTEN, encoded_len},
    error::{ApiError, Result},
    invalid::Invalid,
};

#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// As it came.
    raw_path: String,
    /// The path's segments, percent-decoded: `/api/books/42` is `["api", "books", "42"]`.
    segments: Vec<String>,
    /// As it came: undecoded names and values.
    raw_query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The root of the load balancer's trace header, or Lambda's id.
    pub id: String,
    /// The shop's own origin, if it has a domain or CloudFront.
    shop: Option<String>,
    /// What API Gateway says about it, if it came that way.
    gateway: Option<Gateway>,
    /// What makes it unreadable as a whole.
    malformed: Option<Invalid>,
}

/// Characters that a location encodes. It keeps those that separate, and `%`, because the rest is encoded already. A
/// browser reads `\\` as a slash, so that `/\\evil.example` would lead to another site.
const LOCATION: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Characters that a decoded path has encoded again: those of [`LOCATION`], and those that would end it or begin an escape.
const DECODED: &AsciiSet = &LOCATION.add(b'%').add(b'?').add(b'#');

/// A browser takes a cookie with this prefix only from the shop's own host and over HTTPS, so that neither a neighbouring
/// host nor somebody in the network can plant one.
/// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2>
pub(super) const HOST_PREFIX: &str = "__Host-";

/// Characters of a host name with its port: <https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4>.
const MAX_HOST: usize = 253 + ":65535".len();

impl Request {
    pub const VISITOR_COOKIE: &str = "visitor";
    pub const LANGUAGE_COOKIE: &str = "lang";
    pub const CART_COOKIE: &str = "cart";
    pub const ORDER_COOKIE: &str = "order";
    pub const WISHLIST_COOKIE: &str = "wishlist";
    pub const SESSION_COOKIE: &str = "session";
    pub const STAFF_SESSION_COOKIE: &str = "staff-session";
    pub const SIGN_IN_COOKIE: &str = "sign-in";

    /// Takes the event apart. `lambda_id` names the request where no trace header came.
    pub fn from_event(mut event: Event, lambda_id: &str) -> Self {
        let headers = event.headers();
        let gateway = event.take_gateway();
        let method = if let Some(gateway) = &gateway { &gateway.method } else { &event.http_method };
        let method = method.parse().map_err(|_| Invalid::other("method", "is none of HTTP's"));
        let raw_query = match event.multi_value_query_string_parameters {
            _ if gateway.is_some() => pairs(&event.raw_query_string),
            Some(multi) => multi
                .into_iter()
                .flat_map(|(name, values)| values.into_iter().map(move |v| (name.clone(), v)))
                .collect(),
            None => event.query_string_parameters.unwrap_or_default().into_iter().collect(),
        };
        let body = event.body.unwrap_or_default();
        let mut malformed = None;
        let body = if event.is_base64_encoded {
            BASE64_STANDARD.decode(&body).unwrap_or_else(|_| {
                malformed = Some(Invalid::other("body", "is not the base64 that it is said to be"));
                Vec::new()
            })
        } else {
            body.into_bytes()
        };
        let method = method.unwrap_or_else(|error| {
            malformed = Some(error);
            Method::GET
        });
        // An HTTP API decodes the path, so that a `%` in it is one that was encoded.
        // <https://github.com/middleapi/standard-server/pull/93> has captures of it.
        let path = if gateway.is_some() { encode_decoded(&event.raw_path) } else { event.path };
        Self { gateway, malformed, ..Self::new(method, path, raw_query, headers, body, lambda_id) }
    }

    /// A request of HTTP. `query` is as it came, with parameters of one name together, as load balancers give them to
    /// functions; `id` names the request where no trace header came.
    pub fn from_http(method: Method, path: &str, query: &str, headers: HeaderMap, body: Vec<u8>, id: &str) -> Self {
        Self::new(method, path.to_owned(), pairs(query), headers, body, id)
    }

    /// Whether API Gateway sent it, which wants a response in a form of its own.
    pub fn came_by_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    /// The claims of the token that API Gateway has verified. None through another door, or through a gateway with another id
    /// than the shop's.
    pub fn claims(&self, gateway_id: &str) -> Option<&BTreeMap<String, String>> {
        self.gateway.as_ref().filter(|gateway| gateway.id == gateway_id && !gateway_id.is_empty())?.claims.as_ref()
    }

    fn new(
        method: Method,
        raw_path: String,
        raw_query: Vec<(String, String)>,
        headers: HeaderMap,
        body: Vec<u8>,
        id: &str,
    ) -> Self {
        let id = trace_root(&headers).unwrap_or(id).to_owned();
        let segments = segments(&raw_path);
        Self { method, raw_path, segments, raw_query, headers, body, id, shop: None, gateway: None, malformed: None }
    }

    /// Sets the shop's own origin, `https://shop.example`: links have it, whatever the caller's `Host` is.
    #[must_use]
    pub fn of_shop(self, origin: Option<&str>) -> Self {
        Self { shop: origin.map(str::to_owned), ..self }
    }

    /// The segment of the path at a place, from 0; empty where the path is shorter.
    pub fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }

    /// All segments of the path.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The path must have this number of segments, because a `*` of a load balancer's rule also matches slashes.
    pub fn expect_segments(&self, count: usize) -> Result<()> {
        if self.segments.len() == count { Ok(()) } else { Err(ApiError::NotFound) }
    }

    /// The location of a path with the query of this request, for a redirect.
    pub fn location(&self, path: &str) -> String {
        let query = self.raw_query();
        let mark = if query.is_empty() { "" } else { "?" };
        utf8_percent_encode(&format!("{path}{mark}{query}"), LOCATION).to_string()
    }

    /// The path without slashes that separate nothing: at its end, or doubled. None if it has no such slash.
    pub(crate) fn path_without_needless_slashes(&self) -> Option<String> {
        let segments: Vec<&str> = self.raw_path.split('/').filter(|segment| !segment.is_empty()).collect();
        let path = format!("/{}", segments.join("/"));
        (path != self.raw_path && self.raw_path.starts_with('/')).then_some(path)
    }

    /// The path, decoded, for the log.
    pub fn path(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }

    /// As it came, undecoded.
    pub fn raw_path(&self) -> &str {
        &self.raw_path
    }

    /// As it came, undecoded: `q=a%20b&lang=en`.
    pub fn raw_query(&self) -> String {
        let pairs: Vec<String> = self.raw_query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    /// A raw parameter of the query, without any check. Of a repeated one the last value counts.
    pub fn raw_parameter(&self, name: &str) -> Option<&str> {
        self.raw_query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The address of a path, with the shop's origin where it is known.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin().unwrap_or_default())
    }

    /// This request with another cursor, relative to the shop.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        let kept = self.raw_query.iter().filter(|(name, value)| name != "cursor" && !value.is_empty());
        let kept = kept.map(|(name, value)| format!("{name}={value}"));
        let query: Vec<String> = kept.chain([format!("cursor={cursor}")]).collect();
        let address = format!("{}?{}", self.raw_path, query.join("&"));
        utf8_percent_encode(&address, LOCATION).to_string()
    }

    /// Whether the method only reads: GET or HEAD.
    pub fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether the path is one of a page: every path except those of the API and of the health check. `Handlers`
    /// selects the handler by it, so that handlers need not.
    pub(crate) fn wants_page(&self) -> bool {
        !matches!(self.segment(0), "api" | "health")
    }

    /// Whether the path has data for everybody: the API and its document, without accounts and orders.
    pub(crate) fn is_public_data(&self) -> bool {
        matches!(self.segment(0), "api" | "openapi.json") && !matches!(self.segment(1), "account" | "orders")
    }

    /// Whether the browser sent it over HTTPS. A shop with an address of its own gets no other requests, because its load
    /// balancer or CloudFront redirects them; behind CloudFront the last hop is plain HTTP, and no header counts. Without
    /// an address the load balancer's header counts, which overwrites that of a caller.
    pub fn over_tls(&self) -> bool {
        match &self.shop {
            Some(shop) => shop.starts_with("https://"),
            None => self.header("x-forwarded-proto") == Some("https"),
        }
    }

    /// `https://shop.example`, as the browser knows the shop: its own address, or without one the caller's `Host`. A
    /// `X-Forwarded-Host` never counts, because the load balancer passes on what a caller writes there.
    pub fn origin(&self) -> Option<String> {
        if let Some(shop) = &self.shop {
            return Some(shop.clone());
        }
        let host = self.header("host")?;
        // A page repeats it in every link, a sitemap in every address.
        let plausible = host.len() <= MAX_HOST
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
        let scheme = if self.over_tls() { "https" } else { "http" };
        plausible.then(|| format!("{scheme}://{host}"))
    }

    /// The encoding that the caller prefers, of those that we have, the best first; none if it prefers the body as it is.
    pub fn preferred_encoding(&self, ours: &[&'static str]) -> Option<&'static str> {
        let accepted = self.header_list("accept-encoding");
        let weight = |name: &str| weight_of(&accepted, name).unwrap_or_default();
        // A body without encoding is always acceptable, and preferred only where the list names it.
        let plain = weighted(&accepted).find(|(name, _)| name.eq_ignore_ascii_case("identity"));
        let least = plain.map_or(0.0, |(_, weight)| weight);
        let better = |best: Option<&'static str>, name: &'static str| {
            let is_better = weight(name) > best.map_or(0.0, weight) && weight(name) >= least;
            if is_better { Some(name) } else { best }
        };
        ours.iter().copied().fold(None, better)
    }

    /// The parameters of the query; one that is not in `known` is an error with its name.
    pub fn query(&self, known: &'static [&'static str]) -> Result<Query> {
        Ok(Query::parse(&self.raw_query, known)?)
    }

    /// The same, where the names in `lists` may be repeated: their values are joined by commas.
    pub fn query_with_lists(&self, known: &'static [&'static str], lists: &[&str]) -> Result<Query> {
        Ok(Query::parse_with_lists(&self.raw_query, known, lists)?)
    }

    /// The parameters of a page's query, without those that the page does not know.
    pub fn page_query(&self, known: &'static [&'static str]) -> Result<Query> {
        Ok(Query::of_page(&self.raw_query, known)?)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All lines of a header that is a list, as one: HTTP makes no difference between them.
    pub fn header_list(&self, name: &str) -> String {
        let lines: Vec<&str> = self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        lines.join(",")
    }

    /// Like `header`, but also for a value that is not ASCII.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }

    /// Whether a header has more than one line.
    pub fn repeats_header(&self, name: &str) -> bool {
        self.headers.get_all(name).iter().count() > 1
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the body exceeds the limit. A page's form reaches its handler even so.
    pub fn is_too_large(&self) -> bool {
        self.body.len() > MAX_BODY
    }

    /// The body as a JSON object with members of these names, and what is wrong with the names that it has.
    pub fn json(&self, known: &[&str]) -> Result<(JsonObject, Vec<Invalid>)> {
        self.expect_media_type("application/json")?;
        JsonObject::parse(&self.body, known)
    }

    /// The body as an HTML form: names and values, without blank values. A name with two values, and what is not UTF-8,
    /// are errors.
    pub fn form(&self) -> Result<BTreeMap<String, String>> {
        self.expect_media_type("application/x-www-form-urlencoded")?;
        let mut fields = BTreeMap::new();
        for pair in self.body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len()));
            let name = decoded(name).ok_or_else(|| Invalid::other("body", "has a name that is not UTF-8"))?;
            let shown = || name.chars().take(100).collect::<String>();
            let value = value.strip_prefix(b"=").unwrap_or_default();
            let value = decoded(value).ok_or_else(|| Invalid::other(shown(), "is not UTF-8"))?;
            if value.trim().is_empty() {
                continue;
            }
            if fields.contains_key(&name) {
                return Err(Invalid::other(shown(), "is given twice").into());
            }
            fields.insert(name, value);
        }
        Ok(fields)
    }

    /// The body must be of this type, and not compressed: a small body may become a large one.
    fn expect_media_type(&self, wanted: &str) -> Result<()> {
        let media_type = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(wanted) {
            return Err(ApiError::UnsupportedMediaType);
        }
        if self.has_encoded_body() {
            return Err(ApiError::UnsupportedContentEncoding);
        }
        Ok(())
    }

    /// Whether the body is compressed or encoded in another way.
    pub(super) fn has_encoded_body(&self) -> bool {
        let encodings = self.headers.get_all("content-encoding");
        let is_identity = |line: &HeaderValue| {
            let lists = String::from_utf8_lossy(line.as_bytes());
            lists.split(',').map(str::trim).all(|name| name.is_empty() || name.eq_ignore_ascii_case("identity"))
        };
        !encodings.iter().all(is_identity)
    }

    /// The cookie that the shop has set under this name. Over HTTPS it has the prefix [`HOST_PREFIX`], and no other counts.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let prefix = if self.over_tls() { HOST_PREFIX } else { "" };
        let cookies = self.headers.get_all("cookie").into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| known.trim().strip_prefix(prefix) == Some(name))
            .map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// What every request must keep to, before a handler sees it. Another site's script may write with a verified token, which
    /// no browser sends by itself, as it does a cookie.
    pub fn check(&self, has_token: bool) -> Result<()> {
        if let Some(malformed) = &self.malformed {
            return Err(ApiError::BadRequest(malformed.clone()));
        }
        if self.is_too_large() && !self.can_be_shown_again() {
            return Err(ApiError::TooLarge);
        }
        let is_safe = has_token || self.is_read() || self.method == Method::OPTIONS;
        if !is_safe && (self.header("sec-fetch-site") == Some("cross-site") || self.foreign_origin()) {
            return Err(ApiError::Forbidden);
        }
        Ok(())
    }

    /// Whether this is a page's form that fits into a response: it is shown again with its values.
    fn can_be_shown_again(&self) -> bool {
        let fields = form_urlencoded::parse(&self.body).map(|(_, value)| encoded_len(&value)).sum::<usize>();
        // The page's own links repeat the query.
        self.wants_page() && fields + 4 * encoded_len(&self.raw_query()) <= MAX_WRITTEN
    }

    fn foreign_origin(&self) -> bool {
        let Some(origin) = self.header("origin") else {
            return false;
        };
        if let Some(shop) = &self.shop {
            return !shop.eq_ignore_ascii_case(origin);
        }
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        self.header("host").is_some_and(|own| !own.eq_ignore_ascii_case(host))
    }
}

/// A name or value of a form: percent-encoding in UTF-8, `+` as space.
fn decoded(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

/// Names and values of a query as it came, those of one name together.
fn pairs(query: &str) -> Vec<(String, String)> {
    let mut by_name = BTreeMap::<&str, Vec<&str>>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        by_name.entry(name).or_default().push(value);
    }
    let pair = |(name, values): (&str, Vec<&str>)| {
        values.into_iter().map(|value| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    by_name.into_iter().flat_map(pair).collect()
}

/// The path as a caller may have written it, so that it can be decoded like any other.
fn encode_decoded(path: &str) -> String {
    utf8_percent_encode(path, DECODED).to_string()
}

/// Split first, decoded after: `%2F` is no separator. What is not UTF-8 becomes U+FFFD, which no route matches.
fn segments(path: &str) -> Vec<String> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Vec::new();
    }
    path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

/// `Root=1-67891233-abcdef012345678912345678` of `X-Amzn-Trace-Id`.
fn trace_root(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get("x-amzn-trace-id")?.to_str().ok()?;
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let plausible = root.len() <= 64 && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plausible && !root.is_empty()).then_some(root)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(event: serde_json::Value) -> Request {
        Request::from_event(serde_json::from_value(event).unwrap(), "lambda-id")
    }

    #[test]
    fn a_request_of_http_is_that_of_its_event() {
        let of_event = request(json!({
            "httpMethod": "POST", "path": "/books/a%2Fb/",
            "multiValueQueryStringParameters": { "b": ["2", "1"], "a": [""], "c": ["x%20y"] },
            "multiValueHeaders": { "cookie": ["a=1", "b=2"], "x-amzn-trace-id": ["Root=1-2-3"] },
            "body": "stars=5",
        }));
        let mut headers = HeaderMap::new();
        for (name, value) in [("cookie", "a=1"), ("cookie", "b=2"), ("x-amzn-trace-id", "Root=1-2-3")] {
            headers.append(name, value.parse().unwrap());
        }
        let body = b"stars=5".to_vec();
        let of_http = Request::from_http(Method::POST, "/books/a%2Fb/", "b=2&c=x%20y&a&&b=1", headers, body, "id");
        assert_eq!(format!("{of_http:?}"), format!("{of_event:?}"));
    }

    #[test]
    fn parameters_and_headers_are_those_that_came() {
        let request = request(json!({
            "httpMethod": "GET", "path": "/books",
            "multiValueQueryStringParameters": { "q": ["a"], "genre": ["x", "y"], "utm": ["1"] },
            "multiValueHeaders": { "x-once": ["é"], "x-twice": ["1", "2"] },
        }));
        let names = &["q", "genre", "utm"];
        assert_eq!(request.query_with_lists(names, &["genre"]).unwrap().get("genre"), Some("x,y"));
        assert!(request.query(names).is_err() && request.query(&["q"]).is_err());
        assert_eq!(request.page_query(&["q"]).unwrap().get("q"), Some("a"));
        assert_eq!((request.header_bytes("x-once"), request.header_bytes("x")), (Some("é".as_bytes()), None));
        let repeats = ["x", "x-once", "x-twice"].map(|name| request.repeats_header(name));
        assert_eq!(repeats, [false, false, true]);
    }

    #[test]
    fn path_and_query_are_kept_as_they_came_and_the_path_decoded_for_the_log() {
        let request = request(json!({
            "httpMethod": "GET", "path": "/api/a%20b",
            "multiValueQueryStringParameters": { "q": ["x%20y", "z"], "lang": ["es"] },
        }));
        assert_eq!((request.raw_path(), request.path().as_str()), ("/api/a%20b", "/api/a b"));
        assert_eq!(request.segments(), ["api", "a b"]);
        assert_eq!((request.raw_parameter("q"), request.raw_parameter("x")), (Some("z"), None));
        assert_eq!(request.absolute("/books"), "/books");
        assert_eq!(request.of_shop(Some("https://shop.example")).absolute("/books"), "https://shop.example/books");
    }

    #[test]
    fn a_body_of_the_largest_size_is_taken() {
        for (size, is_too_large) in [(MAX_BODY, false), (MAX_BODY + 1, true)] {
            let request = request(json!({ "httpMethod": "POST", "path": "/api/contact", "body": "a".repeat(size) }));
            assert_eq!((request.body().len(), request.is_too_large()), (size, is_too_large));
        }
        assert_eq!(MAX_BODY, 65_536);
    }

    #[test]
    fn a_segment_is_decoded_after_the_path_was_split() {
        let request = request(json!({"httpMethod": "GET", "path": "/api/books/a%2Fb%20%C3%B1+"}));
        assert_eq!(request.segment(2), "a/b ñ+");
        assert!(request.expect_segments(3).is_ok());
        assert!(matches!(request.expect_segments(2), Err(ApiError::NotFound)));
    }

    #[test]
    fn slashes_that_separate_nothing_are_left_out_and_never_lead_to_another_site() {
        for (path, expected) in [
            ("/books/", Some("/books")),
            ("/books//53", Some("/books/53")),
            ("//books", Some("/books")),
            ("///", Some("/")),
            ("//evil.example/", Some("/evil.example")),
            ("/\\evil.example/", Some("/%5Cevil.example")),
            ("/a%2Fb/", Some("/a%2Fb")),
            ("/libro ñ\r\n/", Some("/libro%20%C3%B1%0D%0A")),
            ("/", None),
            ("/books", None),
            ("/books/53-don-quijote", None),
            ("", None),
        ] {
            let request = request(json!({"httpMethod": "GET", "path": path}));
            let location = request.path_without_needless_slashes().map(|path| request.location(&path));
            assert_eq!(location.as_deref(), expected, "{path}");
        }
        let query = json!({"path": "/books/", "multiValueQueryStringParameters": {"q": ["c%2B%2B"], "x": ["ñ"]}});
        assert_eq!(request(query).location("/books"), "/books?q=c%2B%2B&x=%C3%B1");
    }

    #[test]
    fn the_request_is_named_by_the_load_balancers_trace() {
        let traced = json!({"path": "/", "multiValueHeaders": {"x-amzn-trace-id": ["Self=1-2;Root=1-67891233-abc"]}});
        assert_eq!(request(traced).id, "1-67891233-abc");
        assert_eq!(request(json!({"path": "/", "headers": {"x-amzn-trace-id": "Root=<script>"}})).id, "lambda-id");
    }

    #[test]
    fn the_origin_is_the_shops_domain_or_else_the_host_and_never_a_forwarded_one() {
        let origin = |headers: serde_json::Value, shop: Option<&str>| {
            request(json!({"httpMethod": "GET", "path": "/", "headers": headers})).of_shop(shop).origin()
        };
        let forged = json!({"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"});
        let forwarded = json!({"host": "shop.example", "x-forwarded-host": "evil.example"});
        let long = json!({"host": "a".repeat(10_000)});
        for (headers, shop, expected) in [
            (&forged, Some("https://shop.example"), Some("https://shop.example")),
            (&long, Some("https://shop.example"), Some("https://shop.example")),
            (&json!({}), Some("https://shop.example"), Some("https://shop.example")),
            (&forged, None, Some("https://evil.example")),
            (&forwarded, None, Some("http://shop.example")),
            (&long, None, None),
            (&json!({"host": "a\"><script>"}), None, None),
            (&json!({}), None, None),
        ] {
            assert_eq!(origin(headers.clone(), shop).as_deref(), expected, "{headers}");
        }
    }

    #[test]
    fn a_shop_with_an_address_is_served_over_https_whatever_the_headers_say() {
        let (cloudfront, plain) = (Some("https://d111.cloudfront.net"), Some("http://shop.example"));
        for (shop, name, value, expected) in [
            (cloudfront, "x-forwarded-proto", "http", true),
            (cloudfront, "cloudfront-forwarded-proto", "http", true),
            (plain, "x-forwarded-proto", "https", false),
            (None, "x-forwarded-proto", "https", true),
            (None, "x-forwarded-proto", "http", false),
            (None, "cloudfront-forwarded-proto", "https", false),
            (None, "x-anaquel-origin", "https", false),
        ] {
            let event = json!({"httpMethod": "GET", "path": "/", "headers": {"host": "shop.example", name: value}});
            assert_eq!(request(event).of_shop(shop).over_tls(), expected, "{shop:?} {name}: {value}");
        }
    }

    #[test]
    fn a_form_of_the_shops_own_address_is_accepted_whatever_the_host_is() {
        let shop = Some("https://d111.cloudfront.net");
        for (shop, host, origin, expected) in [
            (shop, "d111.cloudfront.net", "https://d111.cloudfront.net", true),
            (shop, "anaquel-dev-1.elb.amazonaws.com", "https://d111.cloudfront.net", true),
            (shop, "evil.example", "https://evil.example", false),
            (shop, "d111.cloudfront.net", "http://d111.cloudfront.net", false),
            (shop, "d111.cloudfront.net", "https://d111.cloudfront.net.evil.example", false),
            (shop, "d111.cloudfront.net", "null", false),
            (None, "shop.example", "https://shop.example", true),
            (None, "shop.example", "https://evil.example", false),
        ] {
            let headers = json!({"host": host, "origin": origin});
            let request = request(json!({"httpMethod": "POST", "path": "/", "headers": headers})).of_shop(shop);
            assert_eq!(request.check(false).is_ok(), expected, "{shop:?} {host} {origin}");
        }
    }

    #[test]
    fn an_invalid_header_does_not_fail_the_request() {
        let event =
            json!({"path": "/", "multiValueHeaders": {"bad name": ["x"], "x-a": ["ñ\n", "ok"], "referer": ["ñ"]}});
        let request = request(event);
        assert_eq!(request.headers.get_all("x-a").iter().count(), 1);
        assert!(request.headers.contains_key("referer"));
    }

    #[test]
    fn the_visitor_is_found_among_other_cookies() {
        let id = "c56a4180-65aa-42ec-a945-5fd21dec0538";
        let event = |cookie: String| json!({"path": "/", "headers": {"cookie": cookie}});
        for (cookie, is_found) in [
            (format!("a=b; visitor={id}; c=d"), true),
            (format!("a=b;visitor = {id}"), true),
            (format!(";; visitor=\"{id}\""), true),
            (format!("xvisitor={id}"), false),
            (format!("visitor{id}"), false),
            ("visitor=me; xvisitor=1".into(), false),
        ] {
            let request = request(event(cookie.clone()));
            assert_eq!(request.cookie("visitor") == Some(id), is_found, "{cookie}");
        }
        let planted = event(format!("visitor=me; __Host-visitor={id}"));
        let over_tls = request(planted.clone()).of_shop(Some("https://shop.example"));
        assert_eq!((over_tls.cookie("visitor"), request(planted).cookie("visitor")), (Some(id), Some("me")));
        let planted = request(event(format!("visitor={id}"))).of_shop(Some("https://shop.example"));
        assert_eq!(planted.cookie("visitor"), None, "any host of the domain may have set it");
        let session = request(event("session=v1.a.b.c".to_owned())).of_shop(Some("https://shop.example"));
        assert_eq!(session.cookie(Request::SESSION_COOKIE), None, "no session without the prefix over HTTPS");
        let lines = json!({"path": "/", "multiValueHeaders": {"cookie": ["a=b", format!("visitor={id}")]}});
        assert_eq!(request(lines).cookie("visitor"), Some(id));
    }

    #[test]
    fn the_encoding_with_the_highest_weight_is_preferred_and_ours_among_equals() {
        for (accepted, expected) in [
            ("gzip, br", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("gzip;Q=0.5", Some("gzip")),
            ("BR", Some("br")),
            ("*", Some("br")),
            ("*;q=0", None),
            ("br;q=0, *", Some("gzip")),
            ("gzip;q=0, br;q=0.0", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", Some("gzip")),
            ("identity;q=0.5, *;q=0", None),
            ("deflate, zstd", None),
            ("gzip;q=much", None),
            ("", None),
        ] {
            let event = json!({"path": "/", "headers": {"accept-encoding": accepted}});
            assert_eq!(request(event).preferred_encoding(&["br", "gzip"]), expected, "{accepted}");
        }
        let lines = json!({"path": "/", "multiValueHeaders": {"accept-encoding": ["deflate", "gzip"]}});
        assert_eq!(request(lines).preferred_encoding(&["br", "gzip"]), Some("gzip"));
    }

    #[test]
    fn a_post_that_another_site_started_is_refused() {
        let post = |name: &str, value: &str| {
            request(json!({"httpMethod": "POST", "path": "/", "headers": {"host": "shop.example", name: value}}))
        };
        assert!(matches!(post("origin", "https://evil.example").check(false), Err(ApiError::Forbidden)));
        assert!(matches!(post("origin", "null").check(false), Err(ApiError::Forbidden)));
        assert!(matches!(post("sec-fetch-site", "cross-site").check(false), Err(ApiError::Forbidden)));
        assert!(post("origin", "https://shop.example").check(false).is_ok());
    }

    fn form(body: &[u8]) -> Result<BTreeMap<String, String>> {
        let headers = json!({"content-type": "application/x-www-form-urlencoded; charset=ISO-8859-1"});
        let body = BASE64_STANDARD.encode(body);
        let event = json!({"httpMethod": "POST", "path": "/contact", "headers": headers, "body": body, "isBase64Encoded": true});
        request(event).form()
    }

    #[test]
    fn a_form_has_each_name_once_in_utf_8() {
        for (body, fields) in [
            (
                b"name=Ana+Ruiz&review=ni%C3%B1o%20%2B1&key".as_slice(),
                vec![("name", "Ana Ruiz"), ("review", "niño +1")],
            ),
            (b"name=&name=Ana&&=&stars=%20", vec![("name", "Ana")]),
            (b"name=Jos\xc3\xa9&n%61me=", vec![("name", "José")]),
        ] {
            let read = form(body).unwrap();
            let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(read, fields, "{}", String::from_utf8_lossy(body));
        }
        for (body, reason) in [
            (b"name=Jos%E9&review=ni%F1o".as_slice(), "name: is not UTF-8"),
            (b"name=Jos\xe9", "name: is not UTF-8"),
            (b"name=%ED%A0%BD", "name: is not UTF-8"),
            (b"n%E9=1", "body: has a name that is not UTF-8"),
            (b"stars=5&stars=1", "stars: is given twice"),
            (b"stars=5&st%61rs=5", "stars: is given twice"),
        ] {
            let error = form(body).unwrap_err().to_string();
            assert_eq!(error, reason, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_body_with_a_content_encoding_is_refused_with_the_encodings_that_are_read() {
        for (encoding, is_read) in
            [("gzip", false), ("br", false), ("identity, gzip", false), ("x", false), ("identity", true), ("", true)]
        {
            let headers = json!({"content-type": "application/json", "content-encoding": encoding});
            let request = request(json!({"httpMethod": "POST", "path": "/api", "headers": headers, "body": "{}"}));
            let outcome = request.json(&[]);
            assert_eq!(outcome.is_ok(), is_read, "{encoding}");
            if let Err(error) = outcome {
                let response = crate::Reply::problem(&error, "id").finish(&request);
                let response = response.to_json().unwrap();
                let is_named = response.get().contains(r#""accept-encoding":["identity"]"#);
                assert!(error.status() == 415 && is_named, "{}", response.get());
            }
        }
    }

    #[test]
    fn a_body_comes_as_text_or_base64_and_has_a_limit() {
        let text = request(json!({"httpMethod": "POST", "path": "/", "body": "ñ"}));
        let encoded = request(json!({"httpMethod": "POST", "path": "/", "body": "w7E=", "isBase64Encoded": true}));
        assert_eq!(text.body(), encoded.body());
        let broken = request(json!({"httpMethod": "POST", "path": "/", "body": "%", "isBase64Encoded": true}));
        assert!(matches!(broken.check(false), Err(ApiError::BadRequest(_))));
        let large = |path, text: &str, times| {
            let body = format!("message={}", text.repeat(times));
            request(json!({"httpMethod": "POST", "path": path, "body": body})).check(false)
        };
        assert!(matches!(large("/api/contact", "a", MAX_BODY), Err(ApiError::TooLarge)));
        assert!(large("/contact", "a", MAX_WRITTEN).is_ok(), "its page shows it again");
        assert!(matches!(large("/contact", "a", MAX_WRITTEN + 1), Err(ApiError::TooLarge)));
        assert!(large("/contact", "<", MAX_WRITTEN / 5).is_ok());
        assert!(matches!(large("/contact", "<", MAX_WRITTEN / 5 + 1), Err(ApiError::TooLarge)), "as HTML it is longer");
    }
}
