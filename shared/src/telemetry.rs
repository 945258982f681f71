//! Logs as JSON lines, one an event, that CloudWatch Logs Insights can filter by field.

use tracing::level_filters::LevelFilter;

/// Logs to standard output from the level in `ANAQUEL_LOG` (error, warn, info, debug, trace; info by default).
pub fn start() {
    let level = std::env::var("ANAQUEL_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_max_level(level)
        .without_time() // CloudWatch adds its own
        .init();
}
