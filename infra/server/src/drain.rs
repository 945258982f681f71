//! The end of a server process, in phases.

/// A server treats sockets and requests by its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// Requests are answered, each as the last one of its socket, and the health check fails.
    Draining,
    /// Idle sockets are closed, and the others after their request.
    Closing,
    /// Nothing is waited for any longer.
    Ended,
}
