//! A port: connections are counted and bounded, encrypted where that is configured, and nobody holds one for nothing.
//!
//! Each connection is a task of its own in a set that ends with the port. Who holds a connection open without
//! using it is cut off: TLS, the head of a request and the answer to a ping each have their time.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::{limits::Payer, metrics::Number, run::Shutdown, tls};

/// Connections at once; more are closed.
const CONNECTIONS: usize = 4_096;
/// Connections at once from one address, or one IPv6 network of 64 bits.
const CONNECTIONS_OF_ONE: usize = 128;
/// Time for a TLS handshake, and for the head of a request on HTTP/1.1.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection of HTTP/2 is asked whether it lives after this long.
const PING: Duration = Duration::from_secs(30);
/// Calls at once on one connection of HTTP/2.
const STREAMS: u32 = 128;
/// Bytes of an answer that wait in a connection for a reader; more stay with the call, and count as its own.
const UNREAD: usize = 64 << 10;
/// Longest headers of a request, in bytes.
const HEADERS: u32 = 16 << 10;
/// A pause when the operating system has no more files: the next accept would fail at once.
const NO_FILES: Duration = Duration::from_millis(100);

/// Who is at the other end, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// The Ed25519 key of its client certificate, whose secret it has shown to hold.
    pub key: Option<[u8; 32]>,
    /// Whether the connection is encrypted by this port.
    pub tls: bool,
}

/// A listener and how its connections are treated.
pub struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    open: Arc<Open>,
}

/// Connections that are open, by payer.
#[derive(Default)]
pub struct Open {
    by_payer: Mutex<HashMap<Payer, usize>>,
    /// Connections that were closed because there were too many.
    pub turned_away: Number,
}

struct Slot(Arc<Open>, Payer);

impl Open {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let payer = Payer::address(address);
        let mut by_payer = self.by_payer.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by_payer.values().sum();
        let own = by_payer.get(&payer).copied().unwrap_or_default();
        if all >= CONNECTIONS || own >= CONNECTIONS_OF_ONE {
            self.turned_away.add(1);
            return None;
        }
        by_payer.insert(payer.clone(), own + 1);
        Some(Slot(Arc::clone(self), payer))
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_payer.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_payer = self.0.by_payer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by_payer.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                by_payer.remove(&self.1);
            }
        }
    }
}

impl Port {
    /// Serves plain TCP, or TLS.
    #[must_use]
    pub const fn new(listener: TcpListener, tls: Option<TlsAcceptor>, open: Arc<Open>) -> Self {
        Self { listener, tls, open }
    }

    /// Serves until it is told to end; then what is in progress is answered.
    pub async fn serve(self, router: Router, ending: Shutdown) {
        let mut connections = JoinSet::new();
        // One turn a connection, or the end of one.
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = ending.asked() => break,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "connection not accepted");
                    if !of_the_caller(&error) {
                        tokio::time::sleep(NO_FILES).await;
                    }
                    continue;
                }
            };
            let Some(slot) = self.open.enter(address.ip()) else { continue };
            let (tls, router, ending) = (self.tls.clone(), router.clone(), ending.clone());
            connections.spawn(async move {
                let _slot = slot;
                connection(stream, address, tls, router, ending).await;
            });
        }
        while connections.join_next().await.is_some() {}
    }
}

/// Whether accepting failed because of that one connection.
fn of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    ending: Shutdown,
) {
    // Small answers leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no-delay is not available");
    }
    let address = address.ip().to_canonical();
    let Some(tls) = tls else {
        return exchange(stream, Peer { address, key: None, tls: false }, router, ending).await;
    };
    match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let key = certificates.and_then(<[_]>::first).and_then(tls::ed25519_key);
            exchange(stream, Peer { address, key, tls: true }, router, ending).await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS"),
        Err(_) => tracing::debug!(%address, "TLS took too long"),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    ending: Shutdown,
) {
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PATIENCE)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(UNREAD)
        .max_header_list_size(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.asked() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(address = %peer.address, error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_connection() {
        let open = Arc::new(Open::default());
        let greedy: IpAddr = [10, 0, 0, 1].into();
        let held: Vec<_> = (0..1_000).filter_map(|_| open.enter(greedy)).collect();
        assert_eq!(held.len(), CONNECTIONS_OF_ONE);
        assert!(open.enter([10, 0, 0, 2].into()).is_some());
        assert_eq!(open.turned_away.get(), (1_000 - CONNECTIONS_OF_ONE) as u64);
        drop(held);
        assert_eq!(open.count(), 0);
        assert!(open.enter(greedy).is_some());
    }
}
