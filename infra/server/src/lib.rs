//! The shop's handlers behind one HTTP server, for containers: the same functions by the same route table as behind Lambda.
//!
//! Handlers stay on one thread, as in a function: each thread has its own connections and takes accepted sockets in turn. Slow
//! clients, large bodies, many requests and many sockets are bounded ([`Limits`]). After SIGTERM the process ends when its
//! requests are answered, or after [`Limits::stop_within`].

mod connection;
mod drain;
mod shop;

use std::{
    net::{Ipv4Addr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use infra::containers::Service;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::LocalSet,
    time::timeout,
};

use crate::{connection::Worker, drain::Phase};

/// One server process.
pub struct Server {
    pub service: Service,
    /// Connections to the database that the process opens at most.
    pub connections: usize,
    pub threads: usize,
    pub limits: Limits,
}

/// Bounds of what callers can take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sockets at once. Others wait in the queue of the listener.
    pub sockets: usize,
    /// Requests at once. Others are answered 503.
    pub requests: usize,
    /// Bytes of a body, the most that a load balancer sends to a function.
    pub body: usize,
    /// Bodies at once of more than a handler takes, or of unknown size: a page shows again what was typed.
    pub large_bodies: usize,
    /// Until a body has arrived.
    pub body_within: Duration,
    /// Until the header of a request has arrived, also the next one of a socket: longer than a load balancer keeps an idle socket,
    /// 60 seconds, because it must be the one that closes it.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
    pub header_within: Duration,
    /// A client that takes none of a response for this time loses its socket.
    pub taken_within: Duration,
    /// After SIGTERM, while new sockets are still accepted: the load balancer may not know yet.
    pub accept_for: Duration,
    /// From SIGTERM to the end of the process, below the 30 seconds after which ECS kills a task.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#container_definition_timeout>
    pub stop_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 1_000,
            requests: 256,
            body: 1_000_000,
            large_bodies: 32,
            body_within: Duration::from_secs(10),
            header_within: Duration::from_secs(75),
            taken_within: Duration::from_secs(30),
            accept_for: Duration::from_secs(5),
            stop_within: Duration::from_secs(25),
        }
    }
}

/// What all threads share.
struct Bounds {
    requests: Semaphore,
    large_bodies: Semaphore,
}

/// A socket with its permit.
type Accepted = (TcpStream, OwnedSemaphorePermit);

impl Server {
    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// The port is in use, or a thread cannot start.
    pub fn run(&self, port: u16) -> Result<()> {
        let (phase, phases) = watch::channel(Phase::Serving);
        let threads = self.threads.clamp(1, self.connections.max(1));
        let requests = Semaphore::new(self.limits.requests);
        let bounds = Arc::new(Bounds { requests, large_bodies: Semaphore::new(self.limits.large_bodies) });
        let mut workers = Vec::new();
        let mut joined = Vec::new();
        for number in 0..threads {
            let (sender, sockets) = mpsc::channel(self.limits.sockets);
            let (service, limits) = (self.service, self.limits);
            let connections = share(self.connections, threads, number);
            let (phases, bounds) = (phases.clone(), bounds.clone());
            let work = move || work(service, limits, connections, sockets, phases, bounds);
            joined.push(thread::Builder::new().name(format!("worker-{number}")).spawn(work)?);
            workers.push(sender);
        }
        drop(phases);
        let accepting = runtime::Builder::new_current_thread().enable_all().build()?;
        let accepted = accepting.block_on(self.accept(port, workers, &phase));
        for worker in joined {
            worker.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        accepted
    }

    /// Gives accepted sockets to the workers in turn, until some time after a signal; then waits until they have ended.
    async fn accept(
        &self,
        port: u16,
        workers: Vec<mpsc::Sender<Accepted>>,
        phase: &watch::Sender<Phase>,
    ) -> Result<()> {
        let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
        let listener = listener.with_context(|| format!("listening on port {port}"))?;
        tracing::info!(port = listener.local_addr()?.port(), service = self.service.name(), "Serving");
        let sockets = Arc::new(Semaphore::new(self.limits.sockets));
        let mut turn = workers.iter().cycle();
        let mut accept = async || loop {
            let permit = sockets.clone().acquire_owned().await?;
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket.into_std()?,
                Err(error) => {
                    // No file descriptor is left, or the client has gone.
                    tracing::warn!(%error, "Socket not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if let Some(worker) = turn.next() {
                // Its error is the one of its thread, which `run` returns.
                worker.send((socket, permit)).await.map_err(|_| anyhow!("a thread has ended"))?;
            }
        };
        let ended: Result<()> = tokio::select! {
            ended = accept() => ended,
            _ = terminated.recv() => Ok(()),
            _ = interrupted.recv() => Ok(()),
        };
        ended?;
        tracing::info!("Ending: no new requests are wanted");
        phase.send_replace(Phase::Draining);
        let began = tokio::time::Instant::now();
        if let Ok(ended) = timeout(self.limits.accept_for, accept()).await {
            let ended: Result<()> = ended;
            ended?;
        }
        drop(listener);
        phase.send_replace(Phase::Closing);
        let all = u32::try_from(self.limits.sockets).unwrap_or(u32::MAX);
        let left = self.limits.stop_within.saturating_sub(began.elapsed());
        if timeout(left, sockets.acquire_many(all)).await.is_err() {
            tracing::warn!(sockets = self.limits.sockets - sockets.available_permits(), "Ending with open sockets");
        }
        drop(workers);
        phase.send_replace(Phase::Ended);
        Ok(())
    }
}

/// The part of a thread: all parts together are the whole.
fn share(whole: usize, parts: usize, number: usize) -> usize {
    whole / parts + usize::from(number < whole % parts)
}

/// One thread: its handlers, and the sockets that it is given.
fn work(
    service: Service,
    limits: Limits,
    connections: usize,
    mut sockets: mpsc::Receiver<Accepted>,
    phases: watch::Receiver<Phase>,
    bounds: Arc<Bounds>,
) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let worker = Worker::open(service, limits, connections, bounds, phases).await?;
        while let Some((socket, permit)) = sockets.recv().await {
            worker.clone().serve(socket, permit);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_connections() {
        let shares = |whole, threads| (0..threads).map(|number| share(whole, threads, number)).collect::<Vec<_>>();
        assert_eq!(shares(8, 3), [3, 3, 2]);
        assert_eq!(shares(2, 2), [1, 1]);
    }
}
