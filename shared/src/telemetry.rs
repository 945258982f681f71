//! Logs as JSON lines, one an event, that CloudWatch Logs Insights can filter by field.

use tracing::level_filters::LevelFilter;

/// Writes to standard output from `ANAQUEL_LOG` (error, warn, info, debug, trace; info where it says none of these) on.
pub fn start() {
    let level = std::env::var("ANAQUEL_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_max_level(level)
        .without_time() // CloudWatch keeps its own
        .init();
}
