//! One HTTP/1.1 POST to an address that the operator or the policy names, without TLS.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::net::TcpStream;

/// Why there is no answer.
pub(crate) type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// Splits an `http://` address into `host:port` and what stands before a path, without a slash at its end. `None`:
/// another scheme.
pub(crate) fn parts(url: &str, port: u16) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://")?;
    let (host, prefix) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
    let prefix = prefix.trim_end_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    Some((host, prefix))
}

/// Sends, and gives status and body of the answer. The caller bounds the time.
pub(crate) async fn post(
    host: &str,
    path: &str,
    content_type: &str,
    body: String,
) -> Result<(u16, Vec<u8>), NoAnswer> {
    let stream = TcpStream::connect(host).await?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, content_type)
        .body(Full::new(Bytes::from(body)))?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await?.to_bytes();
        Ok::<_, NoAnswer>((status, body.to_vec()))
    };
    tokio::pin!(answer);
    // The connection is driven while the answer is awaited, and ends with it.
    tokio::select! {
        answer = &mut answer => answer,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_a_port_and_perhaps_a_path() {
        let of = |url| parts(url, 80);
        let is = |host: &str, prefix: &str| Some((host.to_owned(), prefix.to_owned()));
        assert_eq!(of("http://witness.example"), is("witness.example:80", ""));
        assert_eq!(of("http://witness.example:8080/"), is("witness.example:8080", ""));
        assert_eq!(of("http://127.0.0.1:4318/otlp/a/"), is("127.0.0.1:4318", "/otlp/a"));
        assert_eq!(of("https://witness.example"), None);
    }
}
