//! `GET /assets/{name}`, `/favicon.ico` and `/robots.txt`: static files. A name changes with its content, so that
//! browsers keep the file for ever.

use frontend::assets;
use shared::{ApiError, App, Reply, Request, Result, handler::Handlers, http::DAY};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle))
}

pub async fn handle(_: &App, request: &Request) -> Result<Reply> {
    match request.raw_path() {
        "/robots.txt" => {
            let robots = assets::robots(request.origin().as_deref());
            Ok(Reply::text("text/plain; charset=utf-8", robots).cached_for(DAY))
        }
        "/favicon.ico" => Ok(Reply::moved(assets::path("icon.png")).cached_for(DAY)),
        path => {
            let asset = assets::all().iter().find(|asset| asset.path == path).ok_or(ApiError::NotFound)?;
            let encoding = request.preferred_encoding(&["br", "gzip"]);
            let bytes = match encoding {
                Some("br") => asset.brotli,
                Some(_) => asset.gzip,
                None => asset.raw,
            };
            Ok(Reply::file(asset.content_type, encoding, bytes).immutable())
        }
    }
}
