//! A body that somebody pays for: bytes are noted as they pass, and whoever owes too much waits.
//!
//! It is handed on in small pieces. HTTP/2 takes a piece as soon as there is room for one byte of it and keeps the
//! rest in memory: whoever reads nothing would otherwise hold whole answers that count for nobody.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::{Account, Ticket};

/// Largest piece that is handed on, in bytes: a frame of HTTP/2.
const PIECE: usize = 16 << 10;

/// A body, with the place that its call takes until it is read to its end or dropped.
pub(crate) struct Held {
    body: Body,
    account: Arc<Account>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Of the body's last frame, what was not handed on yet.
    rest: Bytes,
    _ticket: Option<Ticket>,
}

impl Held {
    /// What a caller sends.
    pub(crate) fn request(body: Body, account: Arc<Account>) -> Body {
        Body::new(Self { body, account, pause: None, rest: Bytes::new(), _ticket: None })
    }

    /// What a caller is sent; the call ends with it.
    pub(crate) fn response(body: Body, ticket: Ticket) -> Body {
        let account = Arc::clone(&ticket.account);
        Body::new(Self { body, account, pause: None, rest: Bytes::new(), _ticket: Some(ticket) })
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.pause.is_none() {
            let wait = this.account.bytes_wait();
            if !wait.is_zero() {
                this.pause = Some(Box::pin(tokio::time::sleep(wait)));
            }
        }
        if let Some(pause) = &mut this.pause {
            std::task::ready!(pause.as_mut().poll(context));
            this.pause = None;
        }
        if this.rest.is_empty() {
            let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.account.pay_for_bytes(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;
    use crate::limits::Allowance;

    #[tokio::test]
    async fn a_long_body_is_handed_on_in_pieces_and_whole() {
        let allowance = Allowance {
            total_calls: 1,
            calls: 1,
            calls_s: 1,
            bytes_s: 1 << 30,
            query_ms: 1,
            pool_records: 8,
        };
        let long: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let body = Held::request(Body::from(long.clone()), Account::of_the_node(allowance));
        assert_eq!(body.size_hint().exact(), Some(100_000));
        let pieces: Vec<Bytes> = body.into_data_stream().map(|piece| piece.expect("a piece")).collect().await;
        assert!(pieces.len() == 7 && pieces.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(pieces.concat(), long);
    }
}
