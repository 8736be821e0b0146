//! A node that lies, in each way that we could think of, and the client that names the lie.
//!
//! The liar stands before an honest node, has its keys, and changes what it says.

use std::{
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::Stream;
use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, SignedCheckpoint, TlogProof, UnixSeconds};
use ore_client::{ClientError, Ledger, Memory, Verdict};
use ore_merkle::{RootHash, TreeSize, hash_leaf};
use ore_node::{NodeKeys, consortium::cosigner_name};
use ore_record::{RecordId, SignedRecord, v1::Bundle};
use ore_verify::{Evidence, InclusionPromise, SignedPromise, TrustRoot};
use ore_wire::v1::{
    self,
    consortium_service_server::{ConsortiumService, ConsortiumServiceServer},
    log_service_client::LogServiceClient,
    log_service_server::{LogService, LogServiceServer},
};
use prost::Message;
use tonic::{Request, Response, Status, transport::Channel};

use crate::world::{ORIGIN, Running, World, commission};

/// What it lies about now.
#[derive(Clone, Debug)]
enum Lie {
    Nothing,
    /// Shows this note whatever it has.
    Note(String),
    /// Answers for another record.
    OtherRecord(RecordId),
    /// Answers with the path of another record's leaf.
    OtherLeaf(RecordId),
    /// Says that it stands at another leaf than the proof says.
    OtherPlace,
    /// Shows a receipt without the cosignature.
    NoCosignature,
    /// Leaves the newest state of a lot out of a bundle.
    OmittedHead,
    /// Leaves a record out of a bundle.
    OmittedRecord,
    /// Leaves an entry out of the log.
    OmittedEntry,
    /// Is of another ledger.
    OtherLedger,
}

#[derive(Clone)]
struct Liar {
    upstream: Channel,
    lie: Arc<Mutex<Lie>>,
}

type Parted<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Liar {
    fn lie(&self) -> Lie {
        self.lie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn log(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.upstream.clone()).max_decoding_message_size(ore_wire::MAX_RESPONSE_BYTES)
    }

    async fn honest_receipt(&self, id: &[u8]) -> Result<v1::Receipt, Status> {
        let request = v1::GetReceiptRequest { record_id: Bytes::copy_from_slice(id) };
        Ok(self.log().get_receipt(request).await?.into_inner().receipt.unwrap_or_default())
    }
}

/// The same note without its cosignatures.
fn without_cosignature(note: &str) -> String {
    let kept = note.lines().filter(|line| !line.contains(&format!("{ORIGIN}/")));
    kept.map(|line| format!("{line}\n")).collect()
}

#[tonic::async_trait]
impl LogService for Liar {
    type ReadEntriesStream = Parted<v1::ReadEntriesResponse>;
    type WatchStream = Parted<v1::WatchResponse>;

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let mut answer = self.log().get_checkpoint(request.into_inner()).await?.into_inner();
        match self.lie() {
            Lie::Note(note) => answer.checkpoint = note,
            Lie::NoCosignature => answer.checkpoint = without_cosignature(&answer.checkpoint),
            _ => {}
        }
        Ok(Response::new(answer))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let mut receipt = self.honest_receipt(&request.into_inner().record_id).await?;
        match self.lie() {
            Lie::OtherRecord(other) => receipt = self.honest_receipt(other.as_bytes()).await?,
            Lie::OtherLeaf(other) => receipt.proof = self.honest_receipt(other.as_bytes()).await?.proof,
            Lie::OtherPlace => receipt.place.as_mut().expect("a place").leaf_index += 1,
            Lie::NoCosignature => receipt.proof = without_cosignature(&receipt.proof),
            _ => {}
        }
        Ok(Response::new(v1::GetReceiptResponse { receipt: Some(receipt) }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let mut request = request.into_inner();
        if let Lie::Note(_) = self.lie() {
            // There is no proof for the tree that it made up; it sends one that is good for another.
            request.new_size = 0;
        }
        self.log().get_consistency_proof(request).await
    }

    async fn read_entries(
        &self,
        request: Request<v1::ReadEntriesRequest>,
    ) -> Result<Response<Self::ReadEntriesStream>, Status> {
        let mut parts = self.log().read_entries(request.into_inner()).await?.into_inner();
        let mut answer = Vec::new();
        while let Some(mut part) = parts.message().await? {
            if matches!(self.lie(), Lie::OmittedEntry) {
                part.entries.remove(1);
            }
            answer.push(Ok(part));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(answer))))
    }

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn get_bundle(
        &self,
        request: Request<v1::GetBundleRequest>,
    ) -> Result<Response<v1::GetBundleResponse>, Status> {
        let mut answer = self.log().get_bundle(request.into_inner()).await?.into_inner();
        let mut bundle = Bundle::decode(answer.bundle.clone()).expect("the honest node's");
        match self.lie() {
            Lie::OmittedHead => drop(bundle.lots.pop()),
            Lie::OmittedRecord => drop(bundle.entries.remove(0)),
            _ => {}
        }
        answer.bundle = bundle.encode_to_vec().into();
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl ConsortiumService for Liar {
    async fn get_info(
        &self,
        request: Request<v1::GetInfoRequest>,
    ) -> Result<Response<v1::GetInfoResponse>, Status> {
        let mut honest = v1::consortium_service_client::ConsortiumServiceClient::new(self.upstream.clone());
        let mut info = honest.get_info(request.into_inner()).await?.into_inner();
        if matches!(self.lie(), Lie::OtherLedger) {
            info.genesis_id = vec![1; 32].into();
        }
        Ok(Response::new(info))
    }

    async fn list_members(
        &self,
        _: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn list_facilities(
        &self,
        _: Request<v1::ListFacilitiesRequest>,
    ) -> Result<Response<v1::ListFacilitiesResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn list_attestations(
        &self,
        _: Request<v1::ListAttestationsRequest>,
    ) -> Result<Response<v1::ListAttestationsResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn get_profile(
        &self,
        _: Request<v1::GetProfileRequest>,
    ) -> Result<Response<v1::GetProfileResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn get_validators(
        &self,
        _: Request<v1::GetValidatorsRequest>,
    ) -> Result<Response<v1::GetValidatorsResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn list_peers(
        &self,
        _: Request<v1::ListPeersRequest>,
    ) -> Result<Response<v1::ListPeersResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn get_evidence(
        &self,
        _: Request<v1::GetEvidenceRequest>,
    ) -> Result<Response<v1::GetEvidenceResponse>, Status> {
        Err(Status::unimplemented("nobody asks the liar"))
    }

    async fn list_handovers(
        &self,
        _: Request<v1::ListHandoversRequest>,
    ) -> Result<Response<v1::ListHandoversResponse>, Status> {
        Ok(Response::new(v1::ListHandoversResponse::default()))
    }
}

/// An honest node, and the liar before it.
struct Stage {
    world: World,
    node: Running,
    lie: Arc<Mutex<Lie>>,
    url: String,
    home: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new();
        let node = world.start().await;
        let lie = Arc::new(Mutex::new(Lie::Nothing));
        let liar = Liar { upstream: node.channel.clone(), lie: Arc::clone(&lie) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(LogServiceServer::new(liar.clone()))
                .add_service(ConsortiumServiceServer::new(liar))
                .serve_with_incoming(incoming),
        );
        Self { world, node, lie, url, home: tempfile::tempdir().expect("a temporary directory") }
    }

    fn tell(&self, lie: Lie) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
    }

    fn trust(&self) -> TrustRoot {
        let consortium = &self.world.consortium;
        let policy = consortium.policy().expect("a policy");
        TrustRoot { origin: consortium.origin.clone(), genesis: consortium.genesis, policy }
    }

    async fn client(&self) -> Ledger {
        let memory = Memory::open(&self.home.path().join("newest.checkpoint"), ORIGIN).expect("readable");
        Ledger::connect(&self.url, self.trust(), memory).await.expect("the liar listens")
    }

    fn keys(&self) -> NodeKeys {
        NodeKeys::load(&self.world.config().keys).expect("written by install")
    }

    /// What the node's own keys can sign: everything.
    fn forged(&self, size: u64, root: RootHash) -> String {
        let keys = self.keys();
        let origin = KeyName::new(ORIGIN).expect("a name");
        let body = Checkpoint::new(&origin, TreeSize::new(size), root);
        let cosigner = KeyName::new(&cosigner_name(ORIGIN, "mine")).expect("a name");
        let time = UnixSeconds::new(2_000_000_000).expect("in range");
        let lines = vec![
            NoteSigner::new(origin, &keys.log).sign(&body.to_text()),
            Cosigner::new(cosigner, &keys.cosigner).cosign(&body, time),
        ];
        SignedCheckpoint::new(body, lines).expect("two lines").to_string()
    }

    fn evidence(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.home.path()).expect("readable");
        let paths = files.map(|file| file.expect("readable").path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "evidence")).collect()
    }
}

#[track_caller]
fn names(result: Result<impl Sized, ClientError>, parts: &[&str]) {
    let Err(error) = result else { panic!("believed, where {parts:?} should be said") };
    assert!(matches!(error, ClientError::Verification { .. }), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_names_every_lie_about_a_record() {
    let stage = Stage::new().await;
    let records: Vec<SignedRecord> = (0..4).map(|number| commission(number, 1_000 + number)).collect();
    for record in &records {
        stage.node.publish(record).await;
    }
    let (id, other) = (records[1].id(), records[2].id());
    let client = stage.client().await;
    let patience = Duration::from_secs(5);
    client.receipt(id, patience).await.expect("no lie yet");
    client.bundle("mine/M1", 73).await.expect("no lie yet");
    let cases: [(Lie, &[&str]); 4] = [
        (Lie::OtherRecord(other), &["receipt", "it is of record"]),
        (Lie::OtherLeaf(other), &["receipt", "inclusion"]),
        (Lie::OtherPlace, &["receipt", "the place says leaf"]),
        (Lie::NoCosignature, &["receipt", "do not satisfy quorum"]),
    ];
    for (lie, parts) in cases {
        stage.tell(lie);
        names(client.receipt(id, patience).await, parts);
    }
    stage.tell(Lie::OmittedHead);
    names(client.bundle("mine/M1", 73).await, &["bundle", "heads"]);
    stage.tell(Lie::OmittedRecord);
    names(client.bundle("mine/M1", 73).await, &["bundle"]);
    stage.tell(Lie::OmittedEntry);
    names(client.whole_log(|_, _| ()).await, &["log", "entries hash to"]);
    stage.tell(Lie::OtherLedger);
    let again = Ledger::connect(&stage.url, stage.trust(), Memory::forgetful()).await;
    names(again, &["genesis"]);
    stage.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_names_every_lie_about_the_history_and_keeps_both_notes() {
    let stage = Stage::new().await;
    stage.node.publish(&commission(1, 1_000)).await;
    let client = stage.client().await;
    let early = client.checkpoint().await.expect("no lie yet").to_string();
    for number in 2..6 {
        stage.node.publish(&commission(number, 1_000)).await;
    }
    let newest = client.checkpoint().await.expect("no lie yet");
    let size = newest.unverified().size().get();

    stage.tell(Lie::NoCosignature);
    names(client.checkpoint().await, &["checkpoint", "do not satisfy quorum"]);
    stage.tell(Lie::Note(early.clone()));
    names(client.checkpoint().await, &["a rollback", "were shown before", "both notes are kept"]);
    assert_eq!(stage.evidence().len(), 1);
    let report = std::fs::read_to_string(&stage.evidence()[0]).expect("kept");
    assert!(report.contains(&early) && report.contains(&newest.to_string()), "{report}");
    std::fs::remove_file(&stage.evidence()[0]).expect("kept");

    // Another root for a size that was shown: anybody can check that.
    let other_root = stage.forged(size, RootHash::from_bytes([9; 32]));
    stage.tell(Lie::Note(other_root));
    names(client.checkpoint().await, &["a fork", "two roots for size", "both notes are kept"]);
    let kept = std::fs::read(&stage.evidence()[0]).expect("kept");
    let proven = Evidence::parse(&kept).expect("a file of evidence").verify(&stage.trust().policy);
    let key = NoteSigner::new(KeyName::new(ORIGIN).expect("a name"), &stage.keys().log);
    assert!(proven.expect("it convinces").keys.contains(key.verifier_key().public_key()));
    std::fs::remove_file(&stage.evidence()[0]).expect("kept");

    // A longer log that does not continue what was shown; what it tells of a restart of the client is the same.
    stage.tell(Lie::Note(stage.forged(size + 3, RootHash::from_bytes([9; 32]))));
    names(client.checkpoint().await, &["a fork", "do not continue", "both notes are kept"]);
    let later = stage.client().await;
    names(later.checkpoint().await, &["a fork", "do not continue"]);
    stage.tell(Lie::Nothing);
    assert_eq!(later.checkpoint().await.expect("honest again").unverified().size().get(), size);
    stage.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_of_inclusion_is_kept_or_convicts_the_node() {
    let stage = Stage::new().await;
    let url = format!("http://{}", stage.node.node.member_addr());
    let client = Ledger::connect(&url, stage.trust(), Memory::forgetful()).await.expect("it listens");
    let record = commission(1, 1_000);
    let (place, promise) = client.submit_promised(&record).await.expect("accepted");
    assert_eq!(promise.unverified().leaf, place.leaf_index);
    assert_eq!(SignedPromise::parse(promise.to_string().as_bytes()), Ok(promise.clone()));
    stage.node.publish(&commission(2, 1_000)).await;
    assert!(matches!(client.judge(&promise).await, Ok(Verdict::Kept)));

    // The same node promised somebody else the same leaf.
    let policy = stage.trust().policy;
    let log = NoteSigner::new(KeyName::new(ORIGIN).expect("a name"), &stage.keys().log);
    let other = InclusionPromise { hash: hash_leaf(b"another entry"), ..promise.unverified().clone() };
    let other = SignedPromise::sign(other, |text| log.sign(text)).expect("a promise");
    let Ok(Verdict::Broken(evidence)) = client.judge(&other).await else { panic!("it is broken") };
    let file = evidence.to_string();
    let proven = Evidence::parse(file.as_bytes()).expect("our own file").verify(&policy).expect("convinces");
    assert_eq!((proven.kind, &proven.keys[0]), ("broken-promise", log.verifier_key().public_key()));

    // A promise that is due before the log has grown so far: broken by time alone, and not before its time.
    let quorum = client.checkpoint().await.expect("published");
    let grown =
        |deadline| InclusionPromise { tree_size: 1_000, leaf: 999, deadline, ..promise.unverified().clone() };
    for (deadline, broken) in [(1_000_000_000, true), (3_000_000_000, false)] {
        let late = SignedPromise::sign(grown(deadline), |text| log.sign(text)).expect("a promise");
        let verdict = client.judge(&late).await.expect("an answer");
        assert_eq!(matches!(verdict, Verdict::Broken(_)), broken, "{verdict:?}");
        let evidence = Evidence::BrokenPromise { promise: late, quorum: quorum.clone(), leaf: None };
        assert_eq!(evidence.verify(&policy).is_ok(), broken);
    }

    // Somebody else's signature, or a kept promise, convicts nobody.
    let stranger = NoteSigner::new(KeyName::new(ORIGIN).expect("a name"), &[77; 32]);
    let false_one = SignedPromise::sign(grown(1), |text| stranger.sign(text)).expect("a promise");
    assert!(
        Evidence::BrokenPromise { promise: false_one, quorum: quorum.clone(), leaf: None }
            .verify(&policy)
            .is_err()
    );
    let receipt = client.receipt(record.id(), Duration::from_secs(5)).await.expect("published");
    let proof = TlogProof::parse(receipt.file.as_bytes()).expect("verified");
    let leaf = Some((promise.unverified().hash, proof.path().clone()));
    let kept = Evidence::BrokenPromise { promise, quorum: proof.checkpoint().clone(), leaf };
    assert!(kept.verify(&policy).is_err());
    stage.node.stop().await;
}
