//! A page of a node's HTTP interface, asked for over the same connection and by the same right as every call.

use std::{future::poll_fn, pin::pin};

use tonic::{
    body::Body,
    codegen::{Body as _, Service, http},
};

use crate::{ClientError, Ledger};

/// Most bytes of a page.
const MAX_PAGE_BYTES: usize = 64 << 20;

/// What the node answered. Its word, as it came: nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Status of HTTP.
    pub status: u16,
    /// Headers, names in lower case; those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, at most 64 MiB.
    pub body: Vec<u8>,
}

impl Ledger {
    /// Asks for a page with `GET`. The path begins with a slash.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], also when the page is longer than 64 MiB; [`ClientError::Address`] for a path
    /// that is none.
    pub async fn page(&self, path_and_query: &str) -> Result<Page, ClientError> {
        let url = || self.url().to_owned();
        let lost = |reason: String| ClientError::Unreachable { url: url(), reason };
        let request = http::Request::get(path_and_query).body(Body::empty());
        let request =
            request.map_err(|error| ClientError::Address { url: url(), reason: error.to_string() })?;
        let mut channel = self.channel();
        poll_fn(|cx| channel.poll_ready(cx)).await.map_err(|error| lost(error.to_string()))?;
        let answer = channel.call(request).await.map_err(|error| lost(error.to_string()))?;
        let (head, body) = answer.into_parts();
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = head.headers.iter().filter_map(text).collect();
        let (mut body, mut bytes) = (pin!(body), Vec::new());
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let data = frame.map_err(|status| lost(status.to_string()))?.into_data().unwrap_or_default();
            if bytes.len() + data.len() > MAX_PAGE_BYTES {
                return Err(lost(format!("the page is longer than {MAX_PAGE_BYTES} bytes")));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Page { status: head.status.as_u16(), headers, body: bytes })
    }
}
