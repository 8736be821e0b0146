//! Serves the pages of this crate over a node's gRPC, for work on pages: they compile in seconds, a node takes minutes.
//!
//! `cargo run -p ore-web --example serve -- http://127.0.0.1:8720 127.0.0.1:8730 [ANSWERS]`
//!
//! The node must be open to readers (`read = "everybody"`), as the demo's is. With ANSWERS, every question and its
//! answer is kept in that file; the tests replay it. Only for the loopback: one request at a time, no limits.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::Mutex,
};

use async_trait::async_trait;
use ore_web::{Answer, Asked, Language, Refused, Source, Viewer, query::Query};
use ore_wire::v1::{
    self, audit_service_client::AuditServiceClient, consortium_service_client::ConsortiumServiceClient,
    fingerprint_service_client::FingerprintServiceClient, log_service_client::LogServiceClient,
    lot_service_client::LotServiceClient, provenance_service_client::ProvenanceServiceClient,
};
use prost::Message;
use tonic::{Code, Status, transport::Channel};

struct Remote {
    channel: Channel,
    kept: Mutex<BTreeMap<String, Vec<u8>>>,
}

fn refused(status: &Status) -> Refused {
    let message = status.message().to_owned();
    match status.code() {
        Code::NotFound => Refused::NotFound(message),
        Code::InvalidArgument => Refused::Bad(message),
        Code::Unavailable => Refused::Later(message),
        Code::PermissionDenied => Refused::Denied(message),
        Code::Unauthenticated => Refused::SignIn(message),
        _ => Refused::Broken(message),
    }
}

impl Remote {
    fn keep(&self, call: &str, asked: &[u8], answer: &impl Message) {
        let key = format!("{call} {}", ore_web::locale::hex(asked));
        self.kept.lock().expect("one thread").insert(key, answer.encode_to_vec());
    }

    fn write(&self, path: &PathBuf) -> std::io::Result<()> {
        let mut text = String::new();
        for (key, answer) in self.kept.lock().expect("one thread").iter() {
            text.push_str(&format!("{key} {}\n", ore_web::locale::hex(answer)));
        }
        std::fs::write(path, text)
    }
}

macro_rules! unary {
    ($self:ident, $client:ident, $call:ident, $asked:expr) => {{
        let asked = $asked;
        let bytes = asked.encode_to_vec();
        let mut client =
            $client::new($self.channel.clone()).max_decoding_message_size(ore_wire::MAX_RESPONSE_BYTES);
        let answer = client.$call(asked).await.map_err(|status| refused(&status))?.into_inner();
        $self.keep(stringify!($call), &bytes, &answer);
        Ok(answer)
    }};
}

macro_rules! stream {
    ($self:ident, $client:ident, $call:ident, $asked:expr, $whole:ty, $($list:ident),*) => {{
        let asked = $asked;
        let bytes = asked.encode_to_vec();
        let mut client = $client::new($self.channel.clone());
        let mut parts = client.$call(asked).await.map_err(|status| refused(&status))?.into_inner();
        let mut whole = <$whole>::default();
        while let Some(part) = parts.message().await.map_err(|status| refused(&status))? {
            $(whole.$list.extend(part.$list);)*
            whole.summary = part.summary.or(whole.summary);
        }
        $self.keep(stringify!($call), &bytes, &whole);
        Ok(whole)
    }};
}

#[async_trait]
impl Source for Remote {
    async fn info(&self) -> Answer<v1::GetInfoResponse> {
        unary!(self, ConsortiumServiceClient, get_info, v1::GetInfoRequest {})
    }
    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse> {
        unary!(self, LogServiceClient, get_checkpoint, v1::GetCheckpointRequest {})
    }
    async fn validators(&self) -> Answer<v1::GetValidatorsResponse> {
        unary!(self, ConsortiumServiceClient, get_validators, v1::GetValidatorsRequest {})
    }
    async fn peers(&self) -> Answer<v1::ListPeersResponse> {
        unary!(self, ConsortiumServiceClient, list_peers, v1::ListPeersRequest {})
    }
    async fn members(&self, asked: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse> {
        unary!(self, ConsortiumServiceClient, list_members, asked)
    }
    async fn facilities(&self, asked: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse> {
        unary!(self, ConsortiumServiceClient, list_facilities, asked)
    }
    async fn attestations(&self, asked: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse> {
        unary!(self, ConsortiumServiceClient, list_attestations, asked)
    }
    async fn lot(&self, lot: &str) -> Answer<v1::GetLotResponse> {
        unary!(self, LotServiceClient, get_lot, v1::GetLotRequest { lot: lot.to_owned() })
    }
    async fn lots(&self, asked: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse> {
        unary!(self, LotServiceClient, list_lots, asked)
    }
    async fn search(&self, text: &str, most: usize) -> Answer<(Vec<v1::Lot>, bool)> {
        let asked = v1::ListLotsRequest { page_size: 1_000, ..Default::default() };
        let all = self.lots(asked).await?.lots;
        let found = all.into_iter().filter(|lot| lot.lot.contains(text) || lot.serial.contains(text));
        Ok((found.take(most).collect(), true))
    }
    async fn history(&self, asked: v1::HistoryRequest) -> Answer<v1::HistoryResponse> {
        unary!(self, LotServiceClient, history, asked)
    }
    async fn trace_back(&self, asked: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse> {
        stream!(self, ProvenanceServiceClient, trace_back, asked, v1::TraceBackResponse, lots, steps, sources)
    }
    async fn trace_forward(&self, asked: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse> {
        stream!(self, ProvenanceServiceClient, trace_forward, asked, v1::TraceForwardResponse, descendants)
    }
    async fn attribute(&self, asked: v1::AttributeRequest) -> Answer<v1::AttributeResponse> {
        unary!(self, ProvenanceServiceClient, attribute, asked)
    }
    async fn findings(&self, asked: v1::FindingsRequest) -> Answer<v1::FindingsResponse> {
        stream!(self, AuditServiceClient, findings, asked, v1::FindingsResponse, findings)
    }
    async fn mass_balance(&self, asked: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse> {
        unary!(self, AuditServiceClient, mass_balance, asked)
    }
    async fn circularity(&self, asked: v1::CircularityRequest) -> Answer<v1::CircularityResponse> {
        unary!(self, AuditServiceClient, circularity, asked)
    }
    async fn dependence(&self, asked: v1::DependenceRequest) -> Answer<v1::DependenceResponse> {
        unary!(self, AuditServiceClient, dependence, asked)
    }
    async fn custody(&self, asked: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse> {
        unary!(self, AuditServiceClient, chain_of_custody, asked)
    }
    async fn origin_check(&self, asked: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse> {
        unary!(self, FingerprintServiceClient, check, asked)
    }
    async fn entries(&self, start: u64, count: u64) -> Answer<Vec<Vec<u8>>> {
        let asked = v1::ReadEntriesRequest { start, count };
        let bytes = asked.encode_to_vec();
        let mut parts = LogServiceClient::new(self.channel.clone())
            .read_entries(asked)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        let mut whole = v1::ReadEntriesResponse { start, entries: Vec::new() };
        while let Some(part) = parts.message().await.map_err(|status| refused(&status))? {
            whole.entries.extend(part.entries);
        }
        self.keep("read_entries", &bytes, &whole);
        Ok(whole.entries.into_iter().map(Vec::from).collect())
    }
    async fn receipt(&self, record: &[u8; 32]) -> Answer<v1::Receipt> {
        let asked = v1::GetReceiptRequest { record_id: record.to_vec().into() };
        let answer: Answer<v1::GetReceiptResponse> = unary!(self, LogServiceClient, get_receipt, asked);
        Ok(answer?.receipt.unwrap_or_default())
    }
}

/// One request of one browser.
async fn one(remote: &Remote, mut stream: TcpStream) -> std::io::Result<()> {
    let (mut target, mut accepted, mut cookie, mut host) = Default::default();
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "accept-language" => accepted = value.trim().to_owned(),
            "cookie" => cookie = value.trim().to_owned(),
            "host" => host = format!("http://{}", value.trim()),
            _ => {}
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            target = rest.split(' ').next().unwrap_or("/").to_owned();
        }
        line.clear();
    }
    let cookie: String = cookie;
    let target: String = target;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let asked = Asked {
        path: path.to_owned(),
        query: Query::read(query),
        chosen: cookie.strip_prefix("lang=").and_then(Language::of_tag),
        accepted,
        viewer: Viewer::Everybody,
        here: host,
    };
    let begin = std::time::Instant::now();
    let page = ore_web::answer(remote, &asked).await;
    eprintln!("{} {target} {} bytes {:?}", page.status, page.body.len(), begin.elapsed());
    let mut head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: {}\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n",
        page.status,
        page.kind,
        page.body.len()
    );
    for (name, value) in ore_web::HEADERS {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(language) = page.choose {
        head.push_str(&format!("set-cookie: lang={}; Path=/\r\n", language.tag()));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&page.body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let node = arguments.next().ok_or("name the node's address")?;
    let here = arguments.next().ok_or("name an address to serve at")?;
    let answers = arguments.next().map(PathBuf::from);
    let remote = Remote { channel: Channel::from_shared(node)?.connect().await?, kept: Mutex::default() };
    for stream in TcpListener::bind(here)?.incoming() {
        if let Err(error) = one(&remote, stream?).await {
            eprintln!("{error}");
        }
        if let Some(path) = &answers {
            remote.write(path)?;
        }
    }
    Ok(())
}
