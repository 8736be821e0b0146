//! Between the engine's messages and bytes. Every decoder takes bytes from anybody: bounded, and never panics.

use bytes::Bytes;
use malachite::app::consensus::{Input, LivenessMsg, SignedConsensusMsg};
use malachite::app::types::ProposedValue;
use malachite::app::types::codec::{Codec, HasEncodedLen};
use malachite::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, SignedProposal, SignedVote,
    Timeout, TimeoutKind, Validity, ValueOrigin, VoteType,
};
use malachite::app::types::sync::{RawDecidedValue, Request, Response, Status};
use malachite_sync::{ValueRequest, ValueResponse};
use prost::Message;

use super::frames::{
    BodyFrame, ConsensusFrame, DecidedMessage, LivenessFrame, MemberSignature, PolkaMessage, ProposalMessage,
    ProposedMessage, RequestFrame, ResponseFrame, RoundMessage, RoundVote, StatusFrame, TimeoutMessage,
    VoteMessage, WalEntry, consensus_frame, liveness_frame, wal_entry,
};
use super::vocabulary::{Address, BlockId, Body, Height, Ledger, Proposal, Signature, Vote};
use crate::limits;

/// Why bytes are no engine message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an engine message: {0}")]
pub(crate) struct BadFrame(&'static str);

/// An entry of the write-ahead log.
#[derive(Clone, Debug)]
pub(crate) enum LogEntry {
    /// What the engine must see again.
    Input(Box<Input<Ledger>>),
    /// A block body that later entries refer to, and whether it was found valid.
    Body(Body),
}

fn read<M: Message + Default>(bytes: Bytes, limit_bytes: usize) -> Result<M, BadFrame> {
    if bytes.len() > limit_bytes {
        return Err(BadFrame("larger than its kind may be"));
    }
    M::decode(bytes).map_err(|_| BadFrame("not protobuf"))
}

fn write(message: &impl Message) -> Bytes {
    Bytes::from(message.encode_to_vec())
}

fn id(bytes: &[u8]) -> Result<BlockId, BadFrame> {
    bytes.try_into().map(BlockId).map_err(|_| BadFrame("block id is not 32 bytes"))
}

fn signature(bytes: &[u8]) -> Result<Signature, BadFrame> {
    bytes.try_into().map(Signature).map_err(|_| BadFrame("signature is not 64 bytes"))
}

fn member(name: &str) -> Result<Address, BadFrame> {
    if name.is_empty() || name.len() > limits::NAME_BYTES {
        return Err(BadFrame("member id empty or too long"));
    }
    Ok(Address::new(name))
}

fn height(height: u64) -> Result<Height, BadFrame> {
    // The last heights are refused so that nothing that counts on from here can overflow.
    if height > u64::MAX / 2 { Err(BadFrame("height out of range")) } else { Ok(Height(height)) }
}

/// Rounds are entered one by one or by certificates; a number near the end would overflow the next round's.
fn round(round: u32) -> Result<Round, BadFrame> {
    if round > u32::MAX / 2 { Err(BadFrame("round out of range")) } else { Ok(Round::new(round)) }
}

fn optional_round(value: Option<u32>) -> Result<Round, BadFrame> {
    value.map_or(Ok(Round::Nil), round)
}

fn value(bytes: Option<&[u8]>) -> Result<NilOrVal<BlockId>, BadFrame> {
    bytes.map_or(Ok(NilOrVal::Nil), |bytes| id(bytes).map(NilOrVal::Val))
}

fn value_bytes(value: &NilOrVal<BlockId>) -> Option<Vec<u8>> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(id.0.to_vec()),
    }
}

fn vote_kind(kind: u32) -> Result<VoteType, BadFrame> {
    match kind {
        1 => Ok(VoteType::Prevote),
        2 => Ok(VoteType::Precommit),
        _ => Err(BadFrame("unknown kind of vote")),
    }
}

fn vote_kind_number(kind: VoteType) -> u32 {
    match kind {
        VoteType::Prevote => 1,
        VoteType::Precommit => 2,
    }
}

/// Only rounds that were entered are ever put into messages.
fn round_number(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn vote_to_message(vote: &SignedVote<Ledger>) -> VoteMessage {
    VoteMessage {
        kind: vote_kind_number(vote.message.kind),
        height: vote.message.height.0,
        round: round_number(vote.message.round),
        id: value_bytes(&vote.message.value),
        member: vote.message.member.to_string(),
        signature: vote.signature.0.to_vec(),
    }
}

fn vote_from_message(message: &VoteMessage) -> Result<SignedVote<Ledger>, BadFrame> {
    let vote = Vote {
        kind: vote_kind(message.kind)?,
        height: height(message.height)?,
        round: round(message.round)?,
        value: value(message.id.as_deref())?,
        member: member(&message.member)?,
    };
    Ok(SignedMessage::new(vote, signature(&message.signature)?))
}

fn proposal_to_message(proposal: &SignedProposal<Ledger>) -> ProposalMessage {
    ProposalMessage {
        height: proposal.message.height.0,
        round: round_number(proposal.message.round),
        id: proposal.message.value.0.to_vec(),
        pol_round: proposal.message.pol_round.as_u32(),
        member: proposal.message.member.to_string(),
        signature: proposal.signature.0.to_vec(),
    }
}

fn proposal_from_message(message: &ProposalMessage) -> Result<SignedProposal<Ledger>, BadFrame> {
    let proposal = Proposal {
        height: height(message.height)?,
        round: round(message.round)?,
        value: id(&message.id)?,
        pol_round: optional_round(message.pol_round)?,
        member: member(&message.member)?,
    };
    Ok(SignedMessage::new(proposal, signature(&message.signature)?))
}

fn polka_to_message(polka: &PolkaCertificate<Ledger>) -> PolkaMessage {
    PolkaMessage {
        height: polka.height.0,
        round: round_number(polka.round),
        id: polka.value_id.0.to_vec(),
        signatures: polka
            .polka_signatures
            .iter()
            .map(|s| MemberSignature { member: s.address.to_string(), signature: s.signature.0.to_vec() })
            .collect(),
    }
}

fn polka_from_message(message: &PolkaMessage) -> Result<PolkaCertificate<Ledger>, BadFrame> {
    bounded(message.signatures.len())?;
    Ok(PolkaCertificate {
        height: height(message.height)?,
        round: round(message.round)?,
        value_id: id(&message.id)?,
        polka_signatures: message
            .signatures
            .iter()
            .map(|s| Ok(PolkaSignature::new(member(&s.member)?, signature(&s.signature)?)))
            .collect::<Result<_, BadFrame>>()?,
    })
}

fn round_to_message(certificate: &RoundCertificate<Ledger>) -> RoundMessage {
    RoundMessage {
        height: certificate.height.0,
        round: round_number(certificate.round),
        kind: match certificate.cert_type {
            RoundCertificateType::Skip => 1,
            RoundCertificateType::Precommit => 2,
        },
        votes: certificate
            .round_signatures
            .iter()
            .map(|s| RoundVote {
                kind: vote_kind_number(s.vote_type),
                id: value_bytes(&s.value_id),
                member: s.address.to_string(),
                signature: s.signature.0.to_vec(),
            })
            .collect(),
    }
}

fn round_from_message(message: &RoundMessage) -> Result<RoundCertificate<Ledger>, BadFrame> {
    bounded(message.votes.len())?;
    Ok(RoundCertificate {
        height: height(message.height)?,
        round: round(message.round)?,
        cert_type: match message.kind {
            1 => RoundCertificateType::Skip,
            2 => RoundCertificateType::Precommit,
            _ => return Err(BadFrame("unknown kind of round certificate")),
        },
        round_signatures: message
            .votes
            .iter()
            .map(|s| {
                Ok(RoundSignature::new(
                    vote_kind(s.kind)?,
                    value(s.id.as_deref())?,
                    member(&s.member)?,
                    signature(&s.signature)?,
                ))
            })
            .collect::<Result<_, BadFrame>>()?,
    })
}

/// A certificate has at most one signature, or a prevote and a precommit, per member.
fn bounded(signatures: usize) -> Result<(), BadFrame> {
    if signatures > 2 * limits::MEMBERS { Err(BadFrame("too many signatures")) } else { Ok(()) }
}

pub(crate) fn encode_consensus(message: &SignedConsensusMsg<Ledger>) -> Bytes {
    let of = match message {
        SignedConsensusMsg::Vote(vote) => consensus_frame::Of::Vote(vote_to_message(vote)),
        SignedConsensusMsg::Proposal(proposal) => {
            consensus_frame::Of::Proposal(proposal_to_message(proposal))
        }
    };
    write(&ConsensusFrame { of: Some(of) })
}

pub(crate) fn decode_consensus(bytes: Bytes) -> Result<SignedConsensusMsg<Ledger>, BadFrame> {
    let frame: ConsensusFrame = read(bytes, limits::CONSENSUS_FRAME_BYTES)?;
    match frame.of {
        Some(consensus_frame::Of::Vote(vote)) => vote_from_message(&vote).map(SignedConsensusMsg::Vote),
        Some(consensus_frame::Of::Proposal(proposal)) => {
            proposal_from_message(&proposal).map(SignedConsensusMsg::Proposal)
        }
        None => Err(BadFrame("empty")),
    }
}

pub(crate) fn encode_liveness(message: &LivenessMsg<Ledger>) -> Bytes {
    let of = match message {
        LivenessMsg::Vote(vote) => liveness_frame::Of::Vote(vote_to_message(vote)),
        LivenessMsg::PolkaCertificate(polka) => liveness_frame::Of::Polka(polka_to_message(polka)),
        LivenessMsg::SkipRoundCertificate(round) => liveness_frame::Of::Round(round_to_message(round)),
    };
    write(&LivenessFrame { of: Some(of) })
}

pub(crate) fn decode_liveness(bytes: Bytes) -> Result<LivenessMsg<Ledger>, BadFrame> {
    let frame: LivenessFrame = read(bytes, limits::LIVENESS_FRAME_BYTES)?;
    match frame.of {
        Some(liveness_frame::Of::Vote(vote)) => vote_from_message(&vote).map(LivenessMsg::Vote),
        Some(liveness_frame::Of::Polka(polka)) => {
            polka_from_message(&polka).map(LivenessMsg::PolkaCertificate)
        }
        Some(liveness_frame::Of::Round(round)) => {
            round_from_message(&round).map(LivenessMsg::SkipRoundCertificate)
        }
        None => Err(BadFrame("empty")),
    }
}

fn body_to_frame(body: &Body) -> BodyFrame {
    BodyFrame {
        height: body.height.0,
        round: body.round,
        valid_round: body.valid_round,
        proposer: body.proposer.to_string(),
        id: body.id.0.to_vec(),
        signature: body.signature.0.to_vec(),
        block: body.block.clone(),
    }
}

fn body_from_frame(frame: BodyFrame) -> Result<Body, BadFrame> {
    if frame.block.len() > limits::BLOCK_BYTES {
        return Err(BadFrame("block larger than 2 MiB"));
    }
    Ok(Body {
        height: height(frame.height)?,
        round: round_number(round(frame.round)?),
        valid_round: optional_round(frame.valid_round)?.as_u32(),
        proposer: member(&frame.proposer)?,
        id: id(&frame.id)?,
        signature: signature(&frame.signature)?,
        block: frame.block,
    })
}

pub(crate) fn encode_body(body: &Body) -> Bytes {
    write(&body_to_frame(body))
}

pub(crate) fn decode_body(bytes: Bytes) -> Result<Body, BadFrame> {
    body_from_frame(read(bytes, limits::BODY_FRAME_BYTES)?)
}

pub(crate) fn encode_status(tip: Height, oldest: Height, begun: Height) -> Bytes {
    write(&StatusFrame { tip: tip.0, oldest: oldest.0, begun: begun.0 })
}

/// Tip, oldest height, and the height that the sender has begun by itself, zero if none.
pub(crate) fn decode_status(bytes: Bytes) -> Result<(Height, Height, Height), BadFrame> {
    let frame: StatusFrame = read(bytes, limits::STATUS_FRAME_BYTES)?;
    Ok((height(frame.tip)?, height(frame.oldest)?, height(frame.begun)?))
}

/// The newest durable height that a status frame tells, for a transport's metrics.
#[must_use]
pub fn tip_of_status(frame: &Bytes) -> Option<u64> {
    decode_status(frame.clone()).ok().map(|(tip, ..)| tip.0)
}

pub(crate) fn encode_request(request: &Request<Ledger>) -> Bytes {
    let Request::ValueRequest(ValueRequest { range }) = request;
    write(&RequestFrame { first: range.start().0, last: range.end().0 })
}

pub(crate) fn decode_request(bytes: Bytes) -> Result<Request<Ledger>, BadFrame> {
    let frame: RequestFrame = read(bytes, limits::REQUEST_BYTES)?;
    let (first, last) = (height(frame.first)?, height(frame.last)?);
    if first > last || last.0 - first.0 >= limits::BLOCKS_PER_RESPONSE as u64 {
        return Err(BadFrame("range of heights is empty or too long"));
    }
    Ok(Request::ValueRequest(ValueRequest::new(first..=last)))
}

fn response_to_frame(response: &Response<Ledger>) -> ResponseFrame {
    let Response::ValueResponse(ValueResponse { start_height, values }) = response;
    ResponseFrame {
        start: start_height.0,
        blocks: values
            .iter()
            .map(|decided| DecidedMessage {
                height: decided.certificate.height.0,
                round: round_number(decided.certificate.round),
                id: decided.certificate.value_id.0.to_vec(),
                signatures: decided
                    .certificate
                    .commit_signatures
                    .iter()
                    .map(|s| MemberSignature {
                        member: s.address.to_string(),
                        signature: s.signature.0.to_vec(),
                    })
                    .collect(),
                block: decided.value_bytes.clone(),
            })
            .collect(),
    }
}

pub(crate) fn encode_response(response: &Response<Ledger>) -> Bytes {
    write(&response_to_frame(response))
}

pub(crate) fn decode_response(bytes: Bytes) -> Result<Response<Ledger>, BadFrame> {
    let frame: ResponseFrame = read(bytes, limits::RESPONSE_BYTES)?;
    if frame.blocks.len() > limits::BLOCKS_PER_RESPONSE {
        return Err(BadFrame("too many blocks"));
    }
    let values = frame.blocks.into_iter().map(decided_from_message).collect::<Result<Vec<_>, BadFrame>>()?;
    Ok(Response::ValueResponse(ValueResponse::new(height(frame.start)?, values)))
}

fn decided_from_message(message: DecidedMessage) -> Result<RawDecidedValue<Ledger>, BadFrame> {
    bounded(message.signatures.len())?;
    if message.block.len() > limits::BLOCK_BYTES {
        return Err(BadFrame("block larger than 2 MiB"));
    }
    let certificate = ExtendedCommitCertificate {
        height: height(message.height)?,
        round: round(message.round)?,
        value_id: id(&message.id)?,
        commit_signatures: message
            .signatures
            .iter()
            .map(|s| Ok(ExtendedCommitSignature::new(member(&s.member)?, signature(&s.signature)?, None)))
            .collect::<Result<_, BadFrame>>()?,
    };
    Ok(RawDecidedValue::new(message.block, certificate))
}

/// `None` for inputs that need not survive a crash.
pub(crate) fn encode_log_input(input: &Input<Ledger>) -> Option<Vec<u8>> {
    let of = match input {
        Input::Vote(vote) => wal_entry::Of::Vote(vote_to_message(vote)),
        Input::Proposal(proposal) => wal_entry::Of::Proposal(proposal_to_message(proposal)),
        Input::TimeoutElapsed(timeout) => wal_entry::Of::Timeout(TimeoutMessage {
            kind: match timeout.kind {
                TimeoutKind::Propose => 1,
                TimeoutKind::Prevote => 2,
                TimeoutKind::Precommit => 3,
                TimeoutKind::Rebroadcast => 4,
                TimeoutKind::FinalizeHeight(_) => return None,
            },
            round: timeout.round.as_u32()?,
        }),
        // Where the value came from is not kept: after a restart it comes from here.
        Input::ProposedValue(proposed, _) => wal_entry::Of::Proposed(ProposedMessage {
            height: proposed.height.0,
            round: proposed.round.as_u32()?,
            valid_round: proposed.valid_round.as_u32(),
            proposer: proposed.proposer.to_string(),
            id: proposed.value.0.to_vec(),
            valid: proposed.validity.is_valid(),
        }),
        Input::PolkaCertificate(polka) => wal_entry::Of::Polka(polka_to_message(polka)),
        Input::StartHeight(..)
        | Input::Propose(_)
        | Input::RoundCertificate(_)
        | Input::SyncValueResponse(_) => return None,
    };
    Some(WalEntry { of: Some(of) }.encode_to_vec())
}

pub(crate) fn encode_log_body(body: &Body) -> Vec<u8> {
    WalEntry { of: Some(wal_entry::Of::Body(body_to_frame(body))) }.encode_to_vec()
}

pub(crate) fn decode_log_entry(bytes: Bytes) -> Result<LogEntry, BadFrame> {
    let entry: WalEntry = read(bytes, limits::BODY_FRAME_BYTES + 16)?;
    let input = match entry.of.ok_or(BadFrame("empty"))? {
        wal_entry::Of::Body(frame) => return Ok(LogEntry::Body(body_from_frame(frame)?)),
        wal_entry::Of::Vote(vote) => Input::Vote(vote_from_message(&vote)?),
        wal_entry::Of::Proposal(proposal) => Input::Proposal(proposal_from_message(&proposal)?),
        wal_entry::Of::Polka(polka) => Input::PolkaCertificate(polka_from_message(&polka)?),
        wal_entry::Of::Timeout(timeout) => {
            let kind = match timeout.kind {
                1 => TimeoutKind::Propose,
                2 => TimeoutKind::Prevote,
                3 => TimeoutKind::Precommit,
                4 => TimeoutKind::Rebroadcast,
                _ => return Err(BadFrame("unknown kind of timeout")),
            };
            Input::TimeoutElapsed(Timeout::new(round(timeout.round)?, kind))
        }
        wal_entry::Of::Proposed(proposed) => Input::ProposedValue(
            ProposedValue {
                height: height(proposed.height)?,
                round: round(proposed.round)?,
                valid_round: optional_round(proposed.valid_round)?,
                proposer: member(&proposed.proposer)?,
                value: id(&proposed.id)?,
                validity: Validity::from_bool(proposed.valid),
            },
            ValueOrigin::Consensus,
        ),
    };
    Ok(LogEntry::Input(Box::new(input)))
}

/// What the engine's own catch-up actor asks of a codec. It only measures responses with it; frames are
/// encoded by the functions above, which our network actor calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncCodec;

impl Codec<Status<Ledger>> for SyncCodec {
    type Error = BadFrame;

    /// A status does not name its sender here: the transport does. So it cannot be read without one.
    fn decode(&self, _: Bytes) -> Result<Status<Ledger>, BadFrame> {
        Err(BadFrame("a status is read with its sender"))
    }

    fn encode(&self, status: &Status<Ledger>) -> Result<Bytes, BadFrame> {
        Ok(encode_status(status.tip_height, status.history_min_height, Height(0)))
    }
}

impl Codec<Request<Ledger>> for SyncCodec {
    type Error = BadFrame;

    fn decode(&self, bytes: Bytes) -> Result<Request<Ledger>, BadFrame> {
        decode_request(bytes)
    }

    fn encode(&self, request: &Request<Ledger>) -> Result<Bytes, BadFrame> {
        Ok(encode_request(request))
    }
}

impl Codec<Response<Ledger>> for SyncCodec {
    type Error = BadFrame;

    fn decode(&self, bytes: Bytes) -> Result<Response<Ledger>, BadFrame> {
        decode_response(bytes)
    }

    fn encode(&self, response: &Response<Ledger>) -> Result<Bytes, BadFrame> {
        Ok(encode_response(response))
    }
}

impl HasEncodedLen<Response<Ledger>> for SyncCodec {
    fn encoded_len(&self, response: &Response<Ledger>) -> Result<usize, BadFrame> {
        Ok(response_to_frame(response).encoded_len())
    }
}
