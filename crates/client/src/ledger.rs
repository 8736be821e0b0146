//! The connection, and every question that is read only.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use ore_checkpoint::SignedCheckpoint;
use ore_merkle::{ConsistencyProof, Frontier, NodeHash, TreeSize, hash_leaf, verify_consistency};
use ore_record::{RecordId, SignedRecord};
use ore_verify::{Evidence, TrustRoot};
use ore_wire::{
    MAX_RESPONSE_BYTES,
    v1::{
        self, consortium_service_client::ConsortiumServiceClient, log_service_client::LogServiceClient,
        lot_service_client::LotServiceClient, provenance_service_client::ProvenanceServiceClient,
        submission_service_client::SubmissionServiceClient,
    },
};
use tonic::{
    service::interceptor::InterceptedService,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::{ClientError, Identity, Memory, identity::Badge, memory::Remembered};

/// A channel on which every call says who asks.
pub(crate) type Badged = InterceptedService<Channel, Badge>;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Most parts of a streamed answer that are read: at 1,000 lots each, far above a node's own limit.
const MAX_PARTS: usize = 10_000;
/// Lots in one request for lots or heads.
const LOTS_AT_ONCE: usize = 1_000;
/// Items on a page of members, facilities or attestations.
const PAGE: u32 = 1_000;
/// Most pages that are read of them.
const MAX_PAGES: usize = 1_000;

/// A connection to one node of a ledger, with what its answers are checked against.
#[derive(Debug)]
pub struct Ledger {
    url: String,
    channel: Badged,
    trust: TrustRoot,
    /// The trust root that the caller has, then that of each later set of validators.
    pub(crate) roots: RwLock<Arc<Vec<TrustRoot>>>,
    memory: Memory,
}

/// One record in a lot's history, its signature verified.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// The record.
    pub record: SignedRecord,
    /// Its leaf in the log, by the node's word.
    pub leaf_index: u64,
    /// Time of its block, by the node's word; milliseconds since 1970.
    pub block_time_ms: u64,
}

impl Ledger {
    /// Connects as nobody: for what is public, and for a ledger that is open to everybody.
    ///
    /// # Errors
    /// As [`Ledger::connect_as`].
    pub async fn connect(url: &str, trust: TrustRoot, memory: Memory) -> Result<Self, ClientError> {
        Self::connect_as(url, trust, memory, Identity::Nobody).await
    }

    /// Connects without TLS.
    ///
    /// # Errors
    /// As [`Ledger::connect_over`].
    pub async fn connect_as(
        url: &str,
        trust: TrustRoot,
        memory: Memory,
        identity: Identity,
    ) -> Result<Self, ClientError> {
        Self::connect_over(url, trust, memory, identity, None).await
    }

    /// Connects, and checks that the node serves the ledger of the trust root before it is told who asks. An
    /// `https` address needs `root`: the certificate (PEM) that the node's own is signed by, or is.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`]; [`ClientError::Verification`] for another ledger.
    pub async fn connect_over(
        url: &str,
        trust: TrustRoot,
        memory: Memory,
        identity: Identity,
        root: Option<&str>,
    ) -> Result<Self, ClientError> {
        let address = |reason: String| ClientError::Address { url: url.to_owned(), reason };
        let mut endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| address(chain(&error)))?;
        if url.starts_with("https:") {
            let root =
                root.ok_or_else(|| address("no certificate is known to check the node by".to_owned()))?;
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
            endpoint = endpoint.tls_config(tls).map_err(|error| address(chain(&error)))?;
        }
        let channel = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20)
            .connect()
            .await
            .map_err(|error| ClientError::Unreachable { url: url.to_owned(), reason: chain(&error) })?;
        let badged = |identity| InterceptedService::new(channel.clone(), Badge::new(identity, &trust.origin));
        let (nobody, somebody) = (badged(Identity::Nobody), badged(identity));
        let roots = RwLock::new(Arc::new(vec![trust.clone()]));
        let mut ledger = Self { url: url.to_owned(), channel: nobody, trust, roots, memory };
        let info = ledger.info().await?;
        if info.origin != ledger.trust.origin || info.genesis_id.as_ref() != ledger.trust.genesis {
            let why = format!(
                "it serves {:?}, the trust root is for {:?} (or their genesis blocks differ)",
                info.origin, ledger.trust.origin
            );
            return Err(ClientError::verification("ledger", why));
        }
        ledger.channel = somebody;
        Ok(ledger)
    }

    /// Where the node is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What answers are checked against.
    #[must_use]
    pub const fn trust(&self) -> &TrustRoot {
        &self.trust
    }

    pub(crate) fn channel(&self) -> Badged {
        self.channel.clone()
    }

    pub(crate) fn status(&self, status: &tonic::Status) -> ClientError {
        ClientError::of_status(&self.url, status)
    }

    fn lots_service(&self) -> LotServiceClient<Badged> {
        LotServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    fn provenance_service(&self) -> ProvenanceServiceClient<Badged> {
        ProvenanceServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    pub(crate) fn log_service(&self) -> LogServiceClient<Badged> {
        LogServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    pub(crate) fn submission_service(&self) -> SubmissionServiceClient<Badged> {
        SubmissionServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    pub(crate) fn consortium_service(&self) -> ConsortiumServiceClient<Badged> {
        ConsortiumServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    /// Which ledger, and how far this node has come. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn info(&self) -> Result<v1::GetInfoResponse, ClientError> {
        let answer = self.consortium_service().get_info(v1::GetInfoRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.status(&status))
    }

    /// The newest checkpoint: signed, cosigned by a quorum, and an extension of the newest one remembered.
    ///
    /// # Errors
    /// [`ClientError::Verification`] also when the node shows less than it did before.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, ClientError> {
        let answer = self.log_service().get_checkpoint(v1::GetCheckpointRequest {}).await;
        let text = answer.map_err(|status| self.status(&status))?.into_inner().checkpoint;
        let signed = self.by_any_root(|root| believe(root, &text)).await?;
        if let Some(known) = self.memory.newest()
            && signed.unverified().size() < known.size
        {
            let why =
                format!("it covers {} entries, {} were shown before", signed.unverified().size(), known.size);
            return Err(self.contradiction("a rollback", why, &known, &text));
        }
        self.remember(&text, &signed).await?;
        Ok(signed)
    }

    /// Checks a believed checkpoint against the remembered one, and remembers it if it is newer.
    /// An older one needs no proof here: what it covers was shown by its own path.
    pub(crate) async fn remember(&self, text: &str, signed: &SignedCheckpoint) -> Result<(), ClientError> {
        let (size, root) = (signed.unverified().size(), *signed.unverified().root());
        match self.memory.newest() {
            Some(known) if known.size == size && known.root != root => {
                let why = format!("two roots for size {size}: {root} and, before, {}", known.root);
                return Err(self.contradiction("a fork", why, &known, text));
            }
            Some(known) if known.size < size && known.size > TreeSize::EMPTY => {
                let proof = self.consistency(known.size, size).await?;
                if let Err(error) = verify_consistency(known.size, &known.root, size, &root, &proof) {
                    let why =
                        format!("{size} entries do not continue the {} shown before: {error}", known.size);
                    return Err(self.contradiction("a fork", why, &known, text));
                }
            }
            _ => {}
        }
        self.memory.keep(text, size, root)?;
        Ok(())
    }

    /// The ledger was shown in two ways: both notes are kept. Two roots of one size convince anybody; of two sizes
    /// the file says what the node could not prove.
    fn contradiction(&self, what: &str, why: String, known: &Remembered, shown: &str) -> ClientError {
        let parse = |note: &str| SignedCheckpoint::parse(note.as_bytes());
        let proof = match (parse(&known.note), parse(shown)) {
            (Ok(first), Ok(second)) => Some(Evidence::TwoRoots { first, second }),
            _ => None,
        };
        let file = match proof
            .filter(|proof| self.roots().iter().any(|root| proof.verify(&root.policy).is_ok()))
        {
            Some(proof) => proof.to_string(),
            None => {
                format!("oreledger report v1\n{what}: {why}\n\nremembered:\n{}\nshown:\n{shown}", known.note)
            }
        };
        let kept = match self.memory.keep_evidence(file.as_bytes()) {
            Ok(Some(path)) => format!("; both notes are kept in {}", path.display()),
            Ok(None) => String::new(),
            Err(error) => format!("; both notes should be kept, but: {error}"),
        };
        ClientError::verification("checkpoint", format!("{what}: {why}{kept}"))
    }

    async fn consistency(&self, old: TreeSize, new: TreeSize) -> Result<ConsistencyProof, ClientError> {
        let request = v1::GetConsistencyProofRequest { old_size: old.get(), new_size: new.get() };
        let answer = self.log_service().get_consistency_proof(request).await;
        let answer = answer.map_err(|status| self.status(&status))?.into_inner();
        let hashes =
            answer.hashes.iter().map(|hash| NodeHash::from_slice(hash)).collect::<Result<Vec<_>, _>>();
        let hashes = hashes.map_err(|error| ClientError::verification("consistency proof", error))?;
        ConsistencyProof::new(hashes).map_err(|error| ClientError::verification("consistency proof", error))
    }

    /// One lot as it stands. The node's word.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when no record creates it.
    pub async fn lot(&self, lot: &str) -> Result<v1::GetLotResponse, ClientError> {
        let answer = self.lots_service().get_lot(v1::GetLotRequest { lot: lot.to_owned() }).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.status(&status))
    }

    /// Those of these lots that are there and that the caller may see, in their order. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lots_named(&self, lots: &[String]) -> Result<Vec<v1::Lot>, ClientError> {
        let mut found = Vec::with_capacity(lots.len());
        for part in lots.chunks(LOTS_AT_ONCE) {
            let answer = self.lots_service().get_lots(v1::GetLotsRequest { lots: part.to_vec() }).await;
            found.extend(self.answer(answer)?.lots);
        }
        Ok(found)
    }

    /// The newest record of each lot, none where there is no such lot. The node's word: a wrong head
    /// makes a record that is refused, nothing worse.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn heads(&self, lots: &[String]) -> Result<Vec<Option<RecordId>>, ClientError> {
        let mut heads = Vec::with_capacity(lots.len());
        for part in lots.chunks(LOTS_AT_ONCE) {
            let answer = self.lots_service().get_heads(v1::GetHeadsRequest { lots: part.to_vec() }).await;
            let answer = answer.map_err(|status| self.status(&status))?.into_inner();
            if answer.heads.len() != part.len() {
                return Err(ClientError::verification(
                    "answer",
                    "it names another number of lots than was asked for",
                ));
            }
            heads.extend(answer.heads.iter().map(|head| RecordId::try_from(head.head.as_ref()).ok()));
        }
        Ok(heads)
    }

    /// Lots in order of creation, up to `limit`; with a custodian, only those it holds. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lots(&self, custodian: &str, limit: usize) -> Result<Vec<v1::Lot>, ClientError> {
        let mut lots = Vec::new();
        let mut page_token = String::new();
        while lots.len() < limit {
            let (page, next) = self.lots_page(custodian, limit - lots.len(), page_token).await?;
            lots.extend(page);
            page_token = next;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(lots)
    }

    /// At most 1,000 of those lots, from where a page before ended (at the beginning: an empty token), and where the
    /// next one begins; empty: there are no more.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lots_page(
        &self,
        custodian: &str,
        most: usize,
        page_token: String,
    ) -> Result<(Vec<v1::Lot>, String), ClientError> {
        let page_size = most.min(1_000) as u32;
        let request = v1::ListLotsRequest { page_size, page_token, custodian: custodian.to_owned() };
        let answer = self.lots_service().list_lots(request).await;
        let answer = answer.map_err(|status| self.status(&status))?.into_inner();
        Ok((answer.lots, answer.next_page_token))
    }

    /// Records that touched a lot, oldest first, each with its signature verified. That none is
    /// missing is the node's word.
    ///
    /// # Errors
    /// [`ClientError::Verification`] for a record that is none or whose signature fails.
    pub async fn history(&self, lot: &str, limit: usize) -> Result<Vec<HistoryItem>, ClientError> {
        let mut items = Vec::new();
        let mut page_token = String::new();
        while items.len() < limit {
            let page_size = (limit - items.len()).min(1_000) as u32;
            let request = v1::HistoryRequest { lot: lot.to_owned(), page_size, page_token };
            let answer = self.lots_service().history(request).await;
            let answer = answer.map_err(|status| self.status(&status))?.into_inner();
            for entry in answer.entries {
                items.push(checked_item(&entry)?);
            }
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(items)
    }

    /// All ancestors of a lot; the summary comes last. The node's word: [`Ledger::bundle`] proves it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trace_back(
        &self,
        request: v1::TraceBackRequest,
    ) -> Result<v1::TraceBackResponse, ClientError> {
        let answer = self.provenance_service().trace_back(request).await;
        let mut parts = answer.map_err(|status| self.status(&status))?.into_inner();
        let mut whole = v1::TraceBackResponse::default();
        for _ in 0..MAX_PARTS {
            let Some(part) = parts.message().await.map_err(|status| self.status(&status))? else { break };
            whole.lots.extend(part.lots);
            whole.steps.extend(part.steps);
            whole.sources.extend(part.sources);
            whole.summary = part.summary.or(whole.summary);
        }
        Ok(whole)
    }

    /// Every lot that contains something of a lot. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trace_forward(
        &self,
        request: v1::TraceForwardRequest,
    ) -> Result<v1::TraceForwardResponse, ClientError> {
        let answer = self.provenance_service().trace_forward(request).await;
        let mut parts = answer.map_err(|status| self.status(&status))?.into_inner();
        let mut whole = v1::TraceForwardResponse::default();
        for _ in 0..MAX_PARTS {
            let Some(part) = parts.message().await.map_err(|status| self.status(&status))? else { break };
            whole.descendants.extend(part.descendants);
            whole.summary = part.summary.or(whole.summary);
        }
        Ok(whole)
    }

    /// Shares by origin, country, route and generation. The node's word: [`Ledger::bundle`] proves it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn attribute(
        &self,
        request: v1::AttributeRequest,
    ) -> Result<v1::AttributeResponse, ClientError> {
        let answer = self.provenance_service().attribute(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.status(&status))
    }

    /// Every entry under the newest checkpoint, in order, handed to `each`; verified when this returns:
    /// together they hash to the checkpoint's root, so none is missing, added or changed.
    ///
    /// # Errors
    /// [`ClientError::Verification`] when they do not; what `each` was given is worth nothing then.
    pub async fn whole_log(&self, mut each: impl FnMut(u64, &[u8])) -> Result<SignedCheckpoint, ClientError> {
        let signed = self.checkpoint().await?;
        let (size, root) = (signed.unverified().size(), *signed.unverified().root());
        let request = v1::ReadEntriesRequest { start: 0, count: size.get() };
        let answer = self.log_service().read_entries(request).await;
        let mut parts = answer.map_err(|status| self.status(&status))?.into_inner();
        let mut frontier = Frontier::new();
        while frontier.size() < size {
            let Some(part) = parts.message().await.map_err(|status| self.status(&status))? else { break };
            for entry in &part.entries {
                each(frontier.size().get(), entry);
                frontier.append(hash_leaf(entry));
            }
        }
        if frontier.size() != size || frontier.root() != root {
            let why = format!(
                "{} entries hash to {}, the checkpoint says {size} and {root}",
                frontier.size(),
                frontier.root()
            );
            return Err(ClientError::verification("log", why));
        }
        Ok(signed)
    }

    /// Every member. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn members(&self) -> Result<Vec<ore_record::v1::MemberState>, ClientError> {
        self.pages(async |page_token| {
            let request = v1::ListMembersRequest { page_size: PAGE, page_token };
            let answer = self.answer(self.consortium_service().list_members(request).await)?;
            Ok((answer.members, answer.next_page_token))
        })
        .await
    }

    /// Facilities of a member, or of all. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn facilities(&self, member: &str) -> Result<Vec<ore_record::v1::Facility>, ClientError> {
        self.pages(async |page_token| {
            let member = member.to_owned();
            let request = v1::ListFacilitiesRequest { page_size: PAGE, page_token, member };
            let answer = self.answer(self.consortium_service().list_facilities(request).await)?;
            Ok((answer.facilities, answer.next_page_token))
        })
        .await
    }

    /// Attestations about a subject, or all. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn attestations(
        &self,
        subject: &str,
    ) -> Result<Vec<ore_record::v1::AttestationStanding>, ClientError> {
        self.pages(async |page_token| {
            let subject = subject.to_owned();
            let request = v1::ListAttestationsRequest { page_size: PAGE, page_token, subject };
            let answer = self.answer(self.consortium_service().list_attestations(request).await)?;
            Ok((answer.attestations, answer.next_page_token))
        })
        .await
    }

    /// Every item of a list that comes page by page, a million at most.
    async fn pages<T>(
        &self,
        page: impl AsyncFn(String) -> Result<(Vec<T>, String), ClientError>,
    ) -> Result<Vec<T>, ClientError> {
        let (mut items, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let (part, next) = page(token).await?;
            items.extend(part);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        Ok(items)
    }

    /// The profile in force. The node's word.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn profile(&self) -> Result<Option<ore_record::v1::Profile>, ClientError> {
        let answer = self.consortium_service().get_profile(v1::GetProfileRequest {}).await;
        answer.map(|answer| answer.into_inner().profile).map_err(|status| self.status(&status))
    }
}

fn checked_item(entry: &v1::HistoryEntry) -> Result<HistoryItem, ClientError> {
    let broken = |why: String| ClientError::verification("history", why);
    let record = SignedRecord::decode(&entry.entry).map_err(|error| broken(error.to_string()))?;
    if record.id().as_bytes().as_slice() != entry.record_id.as_ref() {
        return Err(broken(format!("the record at leaf {} has another id than stated", entry.leaf_index)));
    }
    record.clone().verify().map_err(|error| broken(error.to_string()))?;
    Ok(HistoryItem { record, leaf_index: entry.leaf_index, block_time_ms: entry.block_time_ms })
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

fn believe(root: &TrustRoot, text: &str) -> Result<SignedCheckpoint, ClientError> {
    let signed = SignedCheckpoint::parse(text.as_bytes())
        .map_err(|error| ClientError::verification("checkpoint", chain(&error)))?;
    root.policy.check(&signed).map_err(|error| ClientError::verification("checkpoint", chain(&error)))?;
    if signed.unverified().origin() != root.origin {
        return Err(ClientError::verification("checkpoint", "it is of another ledger"));
    }
    Ok(signed)
}
