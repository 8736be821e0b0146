//! What pages ask, in the messages of the members' own API: a page can show nothing that a call would not.
//!
//! A node answers from its services, for one caller and with that caller's rights; tests answer from records.

use async_trait::async_trait;
use ore_wire::v1;

/// Why a question has no answer. The message is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody is known to ask, and this is for members.
    #[error("{0}")]
    SignIn(String),
    /// Whoever asks may not see this.
    #[error("{0}")]
    Denied(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The question makes no sense.
    #[error("{0}")]
    Bad(String),
    /// Not now; asking again later helps.
    #[error("{0}")]
    Later(String),
    /// The node is at fault.
    #[error("{0}")]
    Broken(String),
}

impl Refused {
    /// The HTTP status that says so.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignIn(_) => 401,
            Self::Denied(_) => 403,
            Self::NotFound(_) => 404,
            Self::Bad(_) => 400,
            Self::Later(_) => 503,
            Self::Broken(_) => 500,
        }
    }
}

/// An answer, or why there is none.
pub type Answer<T> = Result<T, Refused>;

/// The questions of the pages, asked by one caller.
#[async_trait]
pub trait Source: Send + Sync {
    /// Which ledger this is, and how far the node has come.
    async fn info(&self) -> Answer<v1::GetInfoResponse>;
    /// The newest checkpoint.
    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse>;
    /// Who orders blocks.
    async fn validators(&self) -> Answer<v1::GetValidatorsResponse>;
    /// What this node has seen of the others.
    async fn peers(&self) -> Answer<v1::ListPeersResponse>;
    /// Members, page by page.
    async fn members(&self, asked: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse>;
    /// Facilities, page by page.
    async fn facilities(&self, asked: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse>;
    /// Attestations about a lot, a facility or a member.
    async fn attestations(&self, asked: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse>;
    /// One lot as it stands.
    async fn lot(&self, lot: &str) -> Answer<v1::GetLotResponse>;
    /// Lots in order of creation.
    async fn lots(&self, asked: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse>;
    /// Lots whose number, serial, member or tag contains the text, at most `most`, and whether that is all.
    async fn search(&self, text: &str, most: usize) -> Answer<(Vec<v1::Lot>, bool)>;
    /// The records of a lot.
    async fn history(&self, asked: v1::HistoryRequest) -> Answer<v1::HistoryResponse>;
    /// Ancestors, in one message.
    async fn trace_back(&self, asked: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse>;
    /// Descendants, in one message.
    async fn trace_forward(&self, asked: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse>;
    /// Shares by origin.
    async fn attribute(&self, asked: v1::AttributeRequest) -> Answer<v1::AttributeResponse>;
    /// Findings, in one message.
    async fn findings(&self, asked: v1::FindingsRequest) -> Answer<v1::FindingsResponse>;
    /// The books of a facility.
    async fn mass_balance(&self, asked: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse>;
    /// What went round.
    async fn circularity(&self, asked: v1::CircularityRequest) -> Answer<v1::CircularityResponse>;
    /// What a lot hangs on.
    async fn dependence(&self, asked: v1::DependenceRequest) -> Answer<v1::DependenceResponse>;
    /// Who had a lot, and where.
    async fn custody(&self, asked: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse>;
    /// Is the newest trace pattern of a lot consistent with the claimed origin? The node writes down who asked.
    async fn origin_check(&self, asked: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse>;
    /// Entries of the log in order, at most `count`.
    async fn entries(&self, start: u64, count: u64) -> Answer<Vec<Vec<u8>>>;
    /// Where a record stands.
    async fn receipt(&self, record: &[u8; 32]) -> Answer<v1::Receipt>;
}
