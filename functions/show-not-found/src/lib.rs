//! Requests that no rule of the load balancer matches: 404 for a path without a route, and for the others the methods that
//! they have, as 405 or in answer to `OPTIONS`.

use shared::{ApiError, App, Reply, Request, Result, handler::Handlers, http::Method};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(handle, frontend::page(handle))
}

/// Each path with its methods, from the route table: a test in `infra` compares them.
const ROUTES: &str = include_str!("routes.txt");

pub async fn handle(_: &App, request: &Request) -> Result<Reply> {
    answer(request)
}

fn answer(request: &Request) -> Result<Reply> {
    let allowed = methods(request.segments());
    // A method that the path has comes here only if somebody invokes the function without the load balancer.
    if allowed.is_empty() || allowed.contains(&request.method.as_str()) {
        return Err(ApiError::NotFound);
    }
    let allowed = allowed.join(", ");
    if request.method == Method::OPTIONS {
        return Ok(Reply::options(request, &allowed));
    }
    Err(ApiError::MethodNotAllowed(allowed))
}

/// The methods of a path, of all routes that match it.
fn methods(segments: &[String]) -> Vec<&'static str> {
    let routes = ROUTES.lines().filter_map(|line| line.split_once(' '));
    routes.filter(|(path, _)| matches(path, segments)).flat_map(|(_, methods)| methods.split(' ')).collect()
}

fn matches(path: &str, segments: &[String]) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let fits = |(part, segment): (&&str, &String)| part.starts_with('{') || *part == segment.as_str();
    parts.len() == segments.len() && parts.iter().zip(segments).all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_known_path_with_another_method_is_a_405_that_names_its_methods() {
        for (method, path, expected) in [
            ("PUT", "/api/books", Some("GET, HEAD")),
            ("POST", "/api/books/53", Some("GET, HEAD")),
            ("DELETE", "/api/books/53/ratings", Some("GET, HEAD, POST")),
            ("GET", "/api/contact", Some("POST")),
            ("PATCH", "/contact", Some("GET, HEAD, POST")),
            ("POST", "/", Some("GET, HEAD")),
            ("POST", "/health", Some("GET, HEAD")),
            ("POST", "/nothing", None),
            ("POST", "/books/53/ratings/7", None),
            ("GET", "/api", None),
            ("GET", "/books", None),
            // Without a session of the staff nothing shows that there are such pages.
            ("PUT", "/staff", None),
            ("DELETE", "/staff/orders", None),
            ("PATCH", "/staff/orders/100042", None),
            ("PUT", "/staff/sign-in", Some("GET, HEAD")),
        ] {
            let event = json!({"httpMethod": method, "path": path});
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
            match (answer(&request), expected) {
                (Err(ApiError::MethodNotAllowed(allowed)), Some(expected)) => assert_eq!(allowed, expected, "{path}"),
                (Err(ApiError::NotFound), None) => {}
                (other, _) => panic!("{method} {path}: {other:?}"),
            }
        }
    }

    #[test]
    fn options_is_answered_where_the_path_is_known() {
        let status = |path| {
            let event = json!({"httpMethod": "OPTIONS", "path": path});
            answer(&Request::from_event(serde_json::from_value(event).unwrap(), "id-1")).map(|reply| reply.status())
        };
        assert_eq!(status("/api/books").unwrap(), 204);
        assert_eq!(status("/books/53").unwrap(), 204);
        for path in ["/nothing", "/staff", "/staff/orders", "/staff/orders/100042"] {
            assert!(matches!(status(path), Err(ApiError::NotFound)), "{path}");
        }
    }
}
