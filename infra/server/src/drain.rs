//! The end of a server process, in phases.

/// What a server does with sockets and requests.
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
