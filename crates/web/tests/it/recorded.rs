//! Answers of a node over the demo's ledger, recorded by `examples/serve.rs`; a question that was not recorded fails.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use ore_web::{Answer, Refused, Source, locale::hex};
use ore_wire::v1;
use prost::Message;

/// The demo's ledger, as far as the tests look at it.
pub(crate) struct Recorded {
    answers: HashMap<String, Vec<u8>>,
    /// What the origin check says of every lot, in place of an answer.
    pub(crate) refused: Option<Refused>,
    /// A lot that no record creates.
    pub(crate) missing: Option<String>,
    /// How often an origin check was asked for.
    pub(crate) checks: AtomicUsize,
}

impl Recorded {
    pub(crate) fn demo() -> Self {
        let mut answers = HashMap::new();
        for line in include_str!("../data/demo.answers").lines().filter(|line| !line.starts_with('#')) {
            let (key, answer) = line.rsplit_once(' ').expect("call, question, answer");
            answers.insert(key.to_owned(), unhex(answer));
        }
        Self { answers, refused: None, missing: None, checks: AtomicUsize::new(0) }
    }

    /// Adds an invented answer.
    pub(crate) fn put(&mut self, call: &str, asked: &impl Message, answer: &impl Message) {
        self.answers.insert(format!("{call} {}", hex(&asked.encode_to_vec())), answer.encode_to_vec());
    }

    fn ask<T: Message + Default>(&self, call: &str, asked: &impl Message) -> Answer<T> {
        let key = format!("{call} {}", hex(&asked.encode_to_vec()));
        let answer = self.answers.get(&key).ok_or_else(|| Refused::Broken(format!("not recorded: {key}")))?;
        T::decode(answer.as_slice()).map_err(|error| Refused::Broken(error.to_string()))
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

#[async_trait]
impl Source for Recorded {
    async fn info(&self) -> Answer<v1::GetInfoResponse> {
        self.ask("get_info", &v1::GetInfoRequest {})
    }
    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse> {
        self.ask("get_checkpoint", &v1::GetCheckpointRequest {})
    }
    async fn validators(&self) -> Answer<v1::GetValidatorsResponse> {
        self.ask("get_validators", &v1::GetValidatorsRequest {})
    }
    async fn peers(&self) -> Answer<v1::ListPeersResponse> {
        self.ask("list_peers", &v1::ListPeersRequest {})
    }
    async fn members(&self, asked: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse> {
        self.ask("list_members", &asked)
    }
    async fn facilities(&self, asked: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse> {
        self.ask("list_facilities", &asked)
    }
    async fn attestations(&self, asked: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse> {
        self.ask("list_attestations", &asked)
    }
    async fn lot(&self, lot: &str) -> Answer<v1::GetLotResponse> {
        if self.missing.as_deref() == Some(lot) {
            return Err(Refused::NotFound(format!("no record creates lot {lot:?}")));
        }
        self.ask("get_lot", &v1::GetLotRequest { lot: lot.to_owned() })
    }
    async fn lots(&self, asked: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse> {
        self.ask("list_lots", &asked)
    }
    async fn search(&self, text: &str, most: usize) -> Answer<(Vec<v1::Lot>, bool)> {
        let asked = v1::ListLotsRequest { page_size: 1_000, ..Default::default() };
        let all: v1::ListLotsResponse = self.ask("list_lots", &asked)?;
        let found = all.lots.into_iter().filter(|lot| lot.lot.contains(text) || lot.serial.contains(text));
        Ok((found.take(most).collect(), true))
    }
    async fn history(&self, asked: v1::HistoryRequest) -> Answer<v1::HistoryResponse> {
        self.ask("history", &asked)
    }
    async fn trace_back(&self, asked: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse> {
        self.ask("trace_back", &asked)
    }
    async fn trace_forward(&self, asked: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse> {
        self.ask("trace_forward", &asked)
    }
    async fn attribute(&self, asked: v1::AttributeRequest) -> Answer<v1::AttributeResponse> {
        self.ask("attribute", &asked)
    }
    async fn findings(&self, asked: v1::FindingsRequest) -> Answer<v1::FindingsResponse> {
        self.ask("findings", &asked)
    }
    async fn mass_balance(&self, asked: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse> {
        self.ask("mass_balance", &asked)
    }
    async fn circularity(&self, asked: v1::CircularityRequest) -> Answer<v1::CircularityResponse> {
        self.ask("circularity", &asked)
    }
    async fn dependence(&self, asked: v1::DependenceRequest) -> Answer<v1::DependenceResponse> {
        self.ask("dependence", &asked)
    }
    async fn custody(&self, asked: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse> {
        self.ask("chain_of_custody", &asked)
    }
    async fn origin_check(&self, asked: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        // Of the recorded ledger no lot has a claimed origin or a pattern.
        let reasons = ["no record claims an origin for the lot", "no assay of the lot shows a trace pattern"];
        let reasons = v1::NotAssessable { reasons: reasons.map(str::to_owned).to_vec() };
        let neither = v1::origin_check_response::Result::NotAssessable(reasons);
        let neither = v1::OriginCheckResponse { result: Some(neither), ..Default::default() };
        Ok(self.ask("check", &asked).unwrap_or(neither))
    }
    async fn entries(&self, start: u64, count: u64) -> Answer<Vec<Vec<u8>>> {
        let answer: v1::ReadEntriesResponse =
            self.ask("read_entries", &v1::ReadEntriesRequest { start, count })?;
        Ok(answer.entries.into_iter().map(Vec::from).collect())
    }
    async fn receipt(&self, record: &[u8; 32]) -> Answer<v1::Receipt> {
        let asked = v1::GetReceiptRequest { record_id: record.to_vec().into() };
        let answer: v1::GetReceiptResponse = self.ask("get_receipt", &asked)?;
        Ok(answer.receipt.unwrap_or_default())
    }
}
