//! Traces for a collector: one span a record and node, as OTLP over HTTP in JSON.
//!
//! A record's id is the trace: its first half names the trace on every node, so nothing has to travel between nodes for
//! their spans to meet, and the same few of many records are traced everywhere ([`Sample`]). The spans come from the
//! words of the log, `record verified`, `record taken up`, `record refused` and `record decided`; nothing waits for them.
//!
//! Bounded: records under way, finished spans that wait, and the time for a collector; what does not fit is dropped,
//! counted, and said once a minute.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Instant};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::posting;

/// Records that may be under way at one time.
const MOST_UNDER_WAY: usize = 65_536;
/// After so long a record ends without a word: it was there before, or the disk was full.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// How often those are looked for, when there is no room.
const SWEEP: Duration = Duration::from_secs(10);
/// Finished spans that may wait for the collector.
const MOST_WAITING: usize = 8_192;
/// Spans in one request.
const A_REQUEST: usize = 512;
/// How long spans wait for company.
const COMPANY: Duration = Duration::from_secs(1);
/// Longest time for one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a collector that takes nothing is complained about.
const COMPLAIN: Duration = Duration::from_secs(60);

/// Where traces go, and which records are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// `host:port`.
    host: String,
    /// What stands before `/v1/traces`.
    prefix: String,
    sample: Sample,
}

/// One of so many records, chosen by their ids: the same ones on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample(pub u32);

impl Sample {
    fn takes(self, record: &[u8; 32]) -> bool {
        let [.., a, b, c, d] = *record;
        u32::from_be_bytes([a, b, c, d]).is_multiple_of(self.0.max(1))
    }
}

impl Collector {
    /// From an address such as `http://127.0.0.1:4318`. `None`: no such address; another scheme needs a forwarder.
    #[must_use]
    pub fn parse(url: &str, sample: Sample) -> Option<Self> {
        let (host, prefix) = posting::parts(url, 4318)?;
        Some(Self { host, prefix, sample })
    }
}

/// A record's way through this node, finished.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    record: [u8; 32],
    begin_ns: u64,
    taken_up_ns: u64,
    end_ns: u64,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Decided { leaf: u64, height: u64 },
    Refused { rule: String },
}

/// The layer that listens to the log.
#[derive(Debug)]
pub struct Listener {
    sample: Sample,
    under_way: Mutex<UnderWay>,
    finished: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

/// Records of which no end was heard, by their ids.
#[derive(Debug, Default)]
struct UnderWay {
    /// When a record was verified here, and when it was taken up; 0: not yet.
    times: HashMap<[u8; 32], (u64, u64)>,
    swept_ns: u64,
}

impl UnderWay {
    /// Whether there is room for one more; what is forgotten makes some.
    fn has_room(&mut self, now: u64) -> bool {
        if self.times.len() >= MOST_UNDER_WAY && now.saturating_sub(self.swept_ns) >= SWEEP.as_nanos() as u64
        {
            self.swept_ns = now;
            self.times.retain(|_, (begin_ns, _)| now.saturating_sub(*begin_ns) < FORGOTTEN.as_nanos() as u64);
        }
        self.times.len() < MOST_UNDER_WAY
    }
}

/// Sends what the listener heard. Runs beside the node, in whatever task its owner likes.
#[derive(Debug)]
pub struct Exporter {
    collector: Collector,
    member: String,
    finished: mpsc::Receiver<Span>,
    dropped: Arc<AtomicU64>,
    complained: Option<Instant>,
}

/// Both ends, for one node.
#[must_use]
pub fn to(collector: Collector, member: &str) -> (Listener, Exporter) {
    let (sender, finished) = mpsc::channel(MOST_WAITING);
    let dropped = Arc::<AtomicU64>::default();
    let (under_way, sample) = (Mutex::default(), collector.sample);
    let listener = Listener { sample, under_way, finished: sender, dropped: Arc::clone(&dropped) };
    (listener, Exporter { collector, member: member.to_owned(), finished, dropped, complained: None })
}

/// What an event of the log says about a record.
#[derive(Default)]
struct Said {
    message: String,
    record: Option<[u8; 32]>,
    rule: String,
    leaf: u64,
    height: u64,
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "leaf_index" => self.leaf = value,
            "height" => self.height = value,
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "rule" => self.rule = format!("{value:?}"),
            "record" => self.record = unhex(&format!("{value:?}")),
            _ => {}
        }
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? * 16 + digit(*low)?) as u8));
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().fields().field("record").is_none() {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        if let Some(record) = said.record.filter(|record| self.sample.takes(record)) {
            self.hear(record, &said, now_ns());
        }
    }
}

impl Listener {
    fn hear(&self, record: [u8; 32], said: &Said, now: u64) {
        let mut under_way = self.under_way();
        let end = match said.message.as_str() {
            "record verified" | "record taken up" => {
                if !under_way.times.contains_key(&record) && !under_way.has_room(now) {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                let times = under_way.times.entry(record).or_insert((now, 0));
                if said.message == "record taken up" {
                    times.1 = now;
                }
                return;
            }
            "record decided" => End::Decided { leaf: said.leaf, height: said.height },
            "record refused" => End::Refused { rule: said.rule.clone() },
            _ => return,
        };
        // Of a block that came by catch-up, its end is all that was heard.
        let (begin_ns, taken_up_ns) = under_way.times.remove(&record).unwrap_or((now, 0));
        drop(under_way);
        let span = Span { record, begin_ns, taken_up_ns, end_ns: now, end };
        if self.finished.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

impl Exporter {
    /// Sends until the log ends, which is as long as the process runs; whoever drops it loses a second's spans.
    pub async fn run(mut self) {
        let mut spans = Vec::with_capacity(A_REQUEST);
        // Each turn sends what came within a second of the first.
        while self.finished.recv_many(&mut spans, 1).await > 0 {
            let until = Instant::now() + COMPANY;
            while spans.len() < A_REQUEST {
                let room = A_REQUEST - spans.len();
                match tokio::time::timeout_at(until, self.finished.recv_many(&mut spans, room)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            self.send(&spans).await;
            spans.clear();
        }
    }

    async fn send(&mut self, spans: &[Span]) {
        let body = request(&self.member, spans).to_string();
        let path = format!("{}/v1/traces", self.collector.prefix);
        let posted = posting::post(&self.collector.host, &path, "application/json", body);
        let why = match tokio::time::timeout(PATIENCE, posted).await {
            Ok(Ok((200..300, _))) => None,
            Ok(Ok((status, _))) => Some(format!("it answers {status}")),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        if why.is_some() {
            self.dropped.fetch_add(spans.len() as u64, Ordering::Relaxed);
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        let quiet = self.complained.is_some_and(|at| at.elapsed() < COMPLAIN);
        if dropped > 0 && !quiet {
            let why = why.unwrap_or_else(|| "more came than were sent".into());
            tracing::warn!(collector = %self.collector.host, %why, dropped, "spans were dropped");
            self.dropped.fetch_sub(dropped, Ordering::Relaxed);
            self.complained = Some(Instant::now());
        }
    }
}

/// `ExportTraceServiceRequest` in OTLP's JSON: ids in hexadecimal, 64-bit numbers as text.
fn request(member: &str, spans: &[Span]) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let number = |key: &str, value: u64| json!({ "key": key, "value": { "intValue": value.to_string() } });
    let span = |span: &Span| {
        let mut attributes = vec![text("oreledger.record", &hex(&span.record))];
        // 1: as it should be, 2: an error.
        let status = match &span.end {
            End::Decided { leaf, height } => {
                attributes.push(number("oreledger.leaf_index", *leaf));
                attributes.push(number("oreledger.height", *height));
                json!({ "code": 1 })
            }
            End::Refused { rule } => json!({ "code": 2, "message": format!("rule {rule}") }),
        };
        let events = match span.taken_up_ns {
            0 => json!([]),
            at => json!([{ "timeUnixNano": at.to_string(), "name": "taken up" }]),
        };
        json!({
            "traceId": hex(&span.record[..16]),
            "spanId": hex(&span_id(member, &span.record)),
            "name": "record",
            // Internal: who called whom is not in the log.
            "kind": 1,
            "startTimeUnixNano": span.begin_ns.to_string(),
            "endTimeUnixNano": span.end_ns.to_string(),
            "attributes": attributes,
            "events": events,
            "status": status,
        })
    };
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "oreledger"), text("service.instance.id", member)] },
        "scopeSpans": [{
            "scope": { "name": "ore-node", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

/// Of one record at one node.
fn span_id(member: &str, record: &[u8; 32]) -> [u8; 8] {
    use sha2::{Digest as _, Sha256};
    let hash: [u8; 32] = Sha256::new().chain_update(record).chain_update(member).finalize().into();
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    id
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const ANY: Sample = Sample(1);

    fn heard(sample: Sample, say: impl FnOnce()) -> Vec<Span> {
        let collector = Collector::parse("http://127.0.0.1:1", sample).expect("an address");
        let (listener, mut exporter) = to(collector, "mine");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(listener), say);
        std::iter::from_fn(|| exporter.finished.try_recv().ok()).collect()
    }

    fn id(number: u8) -> ore_record::RecordId {
        ore_record::RecordId::from_bytes([number; 32])
    }

    #[test]
    fn a_record_is_a_span_from_its_signature_to_its_leaf() {
        let spans = heard(ANY, || {
            tracing::debug!(record = %id(7), "record verified");
            tracing::debug!(record = %id(8), "record verified");
            tracing::debug!(record = %id(7), "record taken up");
            tracing::debug!(record = %id(8), rule = %"M1", "record refused");
            tracing::debug!(record = %id(7), leaf_index = 5_u64, height = 3_u64, "record decided");
            tracing::info!(height = 3_u64, "something else");
        });
        let [refused, decided] = &spans[..] else { panic!("two records: {spans:?}") };
        assert_eq!((refused.record, &refused.end), ([8; 32], &End::Refused { rule: "M1".into() }));
        assert_eq!((decided.record, &decided.end), ([7; 32], &End::Decided { leaf: 5, height: 3 }));
        assert!(decided.begin_ns <= decided.taken_up_ns && decided.taken_up_ns <= decided.end_ns);
        assert!(decided.begin_ns > 0 && refused.taken_up_ns == 0);
    }

    #[test]
    fn records_that_never_end_make_room_for_others_after_a_while() {
        let collector = Collector::parse("http://127.0.0.1:1", ANY).expect("an address");
        let (listener, mut exporter) = to(collector, "mine");
        let record = |number: usize| {
            let mut record = [0; 32];
            record[..8].copy_from_slice(&number.to_le_bytes());
            record
        };
        let say = |number, message: &str, now: Duration| {
            let said = Said { message: message.into(), ..Said::default() };
            listener.hear(record(number), &said, now.as_nanos() as u64);
        };
        let mut goes = |number, now| {
            say(number, "record verified", now);
            say(number, "record decided", now + Duration::from_secs(1));
            let span = exporter.finished.try_recv().expect("every end is told");
            span.begin_ns == now.as_nanos() as u64
        };
        (0..MOST_UNDER_WAY).for_each(|number| say(number, "record verified", SWEEP));
        assert!(!goes(MOST_UNDER_WAY, FORGOTTEN), "there is no room");
        assert!(goes(MOST_UNDER_WAY, FORGOTTEN + SWEEP), "those before are forgotten");
    }

    #[test]
    fn one_of_so_many_is_chosen_by_its_id() {
        let spans = heard(Sample(4), || {
            for number in 0..=255 {
                tracing::debug!(record = %id(number), leaf_index = 5_u64, height = 3_u64, "record decided");
            }
        });
        assert_eq!(spans.len(), 64);
        assert!(spans.iter().all(|span| span.record[0].is_multiple_of(4)));
    }

    #[test]
    fn what_is_sent_has_the_form_of_otlp() {
        let (record, end) = ([0xab; 32], End::Decided { leaf: 5, height: 3 });
        let span = Span { record, begin_ns: 10, taken_up_ns: 20, end_ns: 30, end };
        let sent = request("mine", &[span]);
        let one = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(one["traceId"], "ab".repeat(16));
        assert_eq!(one["spanId"].as_str().map(str::len), Some(16));
        assert_eq!((&one["startTimeUnixNano"], &one["endTimeUnixNano"]), (&json!("10"), &json!("30")));
        assert_eq!(one["events"], json!([{ "timeUnixNano": "20", "name": "taken up" }]));
        let leaf = json!({ "key": "oreledger.leaf_index", "value": { "intValue": "5" } });
        assert!(one["attributes"].as_array().is_some_and(|all| all.contains(&leaf)), "{one}");
        let member = json!({ "key": "service.instance.id", "value": { "stringValue": "mine" } });
        let about = &sent["resourceSpans"][0]["resource"]["attributes"];
        assert!(about.as_array().is_some_and(|all| all.contains(&member)), "{about}");
    }
}
