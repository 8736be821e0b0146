//! Engine messages survive their encoding, and arbitrary bytes are refused without panic.

use bytes::Bytes;
use malachite::app::consensus::{Input, LivenessMsg, SignedConsensusMsg};
use malachite::app::types::ProposedValue;
use malachite::app::types::codec::HasEncodedLen;
use malachite::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, Timeout, TimeoutKind, Validity,
    ValueOrigin, VoteType,
};
use malachite::app::types::sync::{RawDecidedValue, Request, Response};
use malachite_sync::{ValueRequest, ValueResponse};
use proptest::prelude::*;

use super::codec::{self, LogEntry, SyncCodec};
use super::vocabulary::{Address, BlockId, Body, Height, Proposal, Signature, Vote};
use crate::limits;

fn id() -> impl Strategy<Value = BlockId> {
    any::<[u8; 32]>().prop_map(BlockId)
}

fn signature() -> impl Strategy<Value = Signature> {
    any::<[u8; 32]>().prop_map(|half| {
        let mut whole = [0; 64];
        whole[32..].copy_from_slice(&half);
        Signature(whole)
    })
}

fn height() -> impl Strategy<Value = Height> {
    (0..=u64::MAX / 2).prop_map(Height)
}

fn round() -> impl Strategy<Value = u32> {
    0..=u32::MAX / 2
}

fn member() -> impl Strategy<Value = Address> {
    "[a-zé]{1,40}".prop_map(|name| Address::new(&name))
}

fn value() -> impl Strategy<Value = NilOrVal<BlockId>> {
    proptest::option::of(id()).prop_map(|id| id.map_or(NilOrVal::Nil, NilOrVal::Val))
}

fn kind() -> impl Strategy<Value = VoteType> {
    prop_oneof![Just(VoteType::Prevote), Just(VoteType::Precommit)]
}

prop_compose! {
    fn vote()(kind in kind(), height in height(), round in round(), value in value(), member in member(),
              signature in signature()) -> SignedMessage<super::vocabulary::Ledger, Vote> {
        SignedMessage::new(Vote { kind, height, round: Round::new(round), value, member }, signature)
    }
}

prop_compose! {
    fn proposal()(height in height(), round in round(), value in id(), pol in proptest::option::of(round()),
                  member in member(), signature in signature())
                  -> SignedMessage<super::vocabulary::Ledger, Proposal> {
        let proposal = Proposal { height, round: Round::new(round), value, pol_round: Round::from(pol), member };
        SignedMessage::new(proposal, signature)
    }
}

prop_compose! {
    fn body()(height in height(), round in round(), valid_round in proptest::option::of(round()),
              proposer in member(), id in id(), signature in signature(),
              block in prop::collection::vec(any::<u8>(), 0..500)) -> Body {
        Body { height, round, valid_round, proposer, id, block: block.into(), signature }
    }
}

fn input_comes_back(input: Input<super::vocabulary::Ledger>) {
    let bytes = codec::encode_log_input(&input).expect("is kept");
    let LogEntry::Input(back) = codec::decode_log_entry(bytes.into()).unwrap() else { panic!("a body") };
    assert_eq!(*back, input);
}

proptest! {
    #[test]
    fn votes_come_back(vote in vote()) {
        let message = SignedConsensusMsg::Vote(vote.clone());
        let bytes = codec::encode_consensus(&message);
        prop_assert!(bytes.len() <= limits::CONSENSUS_FRAME_BYTES);
        prop_assert_eq!(codec::decode_consensus(bytes).unwrap(), message);
        let message = LivenessMsg::Vote(vote.clone());
        prop_assert_eq!(codec::decode_liveness(codec::encode_liveness(&message)).unwrap(), message);
        input_comes_back(Input::Vote(vote));
    }

    #[test]
    fn proposals_come_back(proposal in proposal()) {
        let message = SignedConsensusMsg::Proposal(proposal.clone());
        prop_assert_eq!(codec::decode_consensus(codec::encode_consensus(&message)).unwrap(), message);
        input_comes_back(Input::Proposal(proposal));
    }

    #[test]
    fn bodies_come_back(body in body()) {
        prop_assert_eq!(&codec::decode_body(codec::encode_body(&body)).unwrap(), &body);
        let LogEntry::Body(back) = codec::decode_log_entry(codec::encode_log_body(&body).into()).unwrap() else {
            panic!("an input")
        };
        prop_assert_eq!(back, body);
    }

    #[test]
    fn certificates_of_votes_come_back(
        height in height(), number in round(), value_id in id(), skip in any::<bool>(),
        votes in prop::collection::vec((kind(), value(), member(), signature()), 0..8),
    ) {
        let round = Round::new(number);
        let polka_signatures =
            votes.iter().map(|(_, _, member, s)| PolkaSignature::new(member.clone(), *s)).collect();
        let polka = PolkaCertificate { height, round, value_id, polka_signatures };
        let message = LivenessMsg::PolkaCertificate(polka.clone());
        prop_assert_eq!(codec::decode_liveness(codec::encode_liveness(&message)).unwrap(), message);
        input_comes_back(Input::PolkaCertificate(polka));
        let cert_type = if skip { RoundCertificateType::Skip } else { RoundCertificateType::Precommit };
        let round_signatures =
            votes.into_iter().map(|(kind, v, member, s)| RoundSignature::new(kind, v, member, s)).collect();
        let message = LivenessMsg::SkipRoundCertificate(RoundCertificate {
            height, round, cert_type, round_signatures,
        });
        prop_assert_eq!(codec::decode_liveness(codec::encode_liveness(&message)).unwrap(), message);
    }

    #[test]
    fn catch_up_comes_back(
        start in 0..1_u64 << 40, number in round(), value_id in id(),
        signers in prop::collection::vec((member(), signature()), 0..5),
        block in prop::collection::vec(any::<u8>(), 0..300), count in 0..5_u64,
    ) {
        let request = Request::ValueRequest(ValueRequest::new(Height(start)..=Height(start + count)));
        prop_assert_eq!(codec::decode_request(codec::encode_request(&request)).unwrap(), request);
        let decided = |n| {
            let commit_signatures = signers
                .iter()
                .map(|(member, s)| ExtendedCommitSignature::new(member.clone(), *s, None))
                .collect();
            let height = Height(start + n);
            let round = Round::new(number);
            let certificate = ExtendedCommitCertificate { height, round, value_id, commit_signatures };
            RawDecidedValue::new(Bytes::from(block.clone()), certificate)
        };
        let values = (0..count).map(decided).collect();
        let response = Response::ValueResponse(ValueResponse::new(Height(start), values));
        let bytes = codec::encode_response(&response);
        prop_assert_eq!(SyncCodec.encoded_len(&response).unwrap(), bytes.len());
        prop_assert_eq!(codec::decode_response(bytes).unwrap(), response);
        let status = (Height(start), Height(count), Height(start + 1));
        let frame = codec::encode_status(status.0, status.1, status.2);
        prop_assert_eq!(codec::decode_status(frame).unwrap(), status);
    }

    #[test]
    fn what_the_log_keeps_comes_back(
        height in height(), number in round(), valid in any::<bool>(), value in id(), proposer in member(),
        valid_round in proptest::option::of(round()), kind in 0..4_usize,
    ) {
        let round = Round::new(number);
        let kinds =
            [TimeoutKind::Propose, TimeoutKind::Prevote, TimeoutKind::Precommit, TimeoutKind::Rebroadcast];
        input_comes_back(Input::TimeoutElapsed(Timeout::new(round, kinds[kind])));
        let valid_round = Round::from(valid_round);
        let validity = Validity::from_bool(valid);
        let proposed = ProposedValue { height, round, valid_round, proposer, value, validity };
        input_comes_back(Input::ProposedValue(proposed, ValueOrigin::Consensus));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        no_decoder_panics(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(vote in vote(), body in body(), at in any::<prop::sample::Index>(),
                                    flip in 1_u8..) {
        for bytes in [codec::encode_consensus(&SignedConsensusMsg::Vote(vote)), codec::encode_body(&body)] {
            let mut bytes = bytes.to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            no_decoder_panics(&bytes);
        }
    }
}

fn no_decoder_panics(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let _ = codec::decode_consensus(bytes.clone());
    let _ = codec::decode_liveness(bytes.clone());
    let _ = codec::decode_body(bytes.clone());
    let _ = codec::decode_status(bytes.clone());
    let _ = codec::decode_request(bytes.clone());
    let _ = codec::decode_response(bytes.clone());
    let _ = codec::decode_log_entry(bytes);
}

#[test]
fn what_is_larger_than_its_kind_may_be_is_refused() {
    let long = |bytes: usize| Bytes::from(vec![0; bytes + 1]);
    assert!(codec::decode_consensus(long(limits::CONSENSUS_FRAME_BYTES)).is_err());
    assert!(codec::decode_liveness(long(limits::LIVENESS_FRAME_BYTES)).is_err());
    assert!(codec::decode_body(long(limits::BODY_FRAME_BYTES)).is_err());
    assert!(codec::decode_status(long(limits::STATUS_FRAME_BYTES)).is_err());
    assert!(codec::decode_request(long(limits::REQUEST_BYTES)).is_err());
    assert!(codec::decode_response(long(limits::RESPONSE_BYTES)).is_err());
    let all = Request::ValueRequest(ValueRequest::new(Height(1)..=Height(1_000_000)));
    assert!(codec::decode_request(codec::encode_request(&all)).is_err());
}
