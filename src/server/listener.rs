//! The TCP side: bind, accept, serve connections, stop gracefully.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Ours: connections served at once; further ones wait in the kernel's backlog.
const CONNECTIONS_MAX: usize = 4_096;
/// Ours: how long the header of a request may take to arrive, silence before it included: a
/// connection that says nothing gives its place back.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Ours: how long a peer may leave an answer unread, or be gone without a word.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(60);
/// Ours: what the request line and header fields of one request may occupy.
const HEADER_BYTES_MAX: usize = 64 * 1_024;
/// How long open requests may go on after the stop signal (the whole stop ends within 5 s).
const DRAIN_TIMEOUT: Duration = Duration::from_millis(2_000);

/// Binds so that a restart gets the port at once, although old connections linger in TIME_WAIT.
///
/// # Errors
/// Those of the operating system: port taken, address not local.
pub fn bind(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1_024)?;
    TcpListener::from_std(socket.into())
}

/// What connections may take.
#[derive(Clone, Copy)]
struct Limits {
    connections: usize,
    header_read_timeout: Duration,
}

/// Serves until `stop` turns true, then lets open requests finish.
///
/// HTTP/1.1 only: no client of these services needs HTTP/2, and it has no timer for
/// connections that say nothing.
pub async fn serve(listener: TcpListener, app: Router, stop: watch::Receiver<bool>) {
    let limits = Limits {
        connections: CONNECTIONS_MAX,
        header_read_timeout: HEADER_READ_TIMEOUT,
    };
    serve_within(limits, listener, app, stop).await;
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    app: Router,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = std::sync::Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stopped(&mut stop) => break,
        };
        let Some((stream, place)) = accepted else {
            continue;
        };
        set_options(&stream);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read_timeout)
            .max_buf_size(HEADER_BYTES_MAX);
        let service = TowerToHyperService::new(app.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("open requests were cut off at shutdown");
    }
}

/// Best effort: a connection without these still works.
fn set_options(stream: &TcpStream) {
    // Small answers leave at once; Nagle would hold them for the peer's delayed ACK.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT));
}

async fn accept(
    listener: &TcpListener,
    places: &std::sync::Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            // Out of file descriptors, mostly: closing connections will free some.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A dropped sender means that the node is gone: stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn silent_and_idle_connections_lose_their_places() {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let addr = listener.local_addr().unwrap();
        let (_stop, stopping) = watch::channel(false);
        let limits = Limits {
            connections: 3,
            header_read_timeout: Duration::from_millis(200),
        };
        let app = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(serve_within(limits, listener, app, stopping));

        let silent = TcpStream::connect(addr).await.unwrap();
        // The first letters of an HTTP/2 preface, or of a POST.
        let mut half = TcpStream::connect(addr).await.unwrap();
        half.write_all(b"P").await.unwrap();
        let mut idle = TcpStream::connect(addr).await.unwrap();
        assert!(ask(&mut idle).await.contains("here"));

        let mut late = TcpStream::connect(addr).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), ask(&mut late)).await;
        assert!(answer.unwrap().contains("here"));
        drop((silent, half, idle));
    }

    /// One request on a connection that stays open.
    async fn ask(stream: &mut TcpStream) -> String {
        let request = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = vec![0; 1_024];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(answer.get(..read).unwrap()).into_owned()
    }
}
