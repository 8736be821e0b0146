//! What a member is told when it submits.

use bytes::Bytes;
use ore_client::{ClientError, Ledger, Memory};
use ore_record::{
    SignedRecord,
    v1::{Facility, RegisterFacility, record::Event},
};
use ore_wire::{
    status::{Refusal, refusal},
    v1::{self as wire, RejectionReason, SubmitResult, submit_result::Outcome},
};

use crate::{
    audit::trust,
    world::{World, blend, commission, lose, sign, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_record_has_a_place_and_the_same_record_again_has_the_same_place() {
    let world = World::new();
    let node = world.start().await;
    let record = commission(1, 1_000);
    let first = node.submit(&record).await.expect("accepted");
    let again = node.submit(&record).await.expect("there already");
    assert!(!first.already_there && again.already_there);
    assert_eq!(first.place, again.place);
    assert_eq!(first.place.map(|place| place.height), Some(1));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_rule_reason_newest_head_and_next_step() {
    let world = World::new();
    let node = world.start().await;
    let (created, other) = (commission(1, 1_000), commission(2, 1_000));
    node.submit(&created).await.expect("accepted");
    let stale = node.submit(&lose("mine/M1", other.id(), 10)).await.expect_err("the head is another record");
    let Refusal::Rejected(rejection) = refusal(&stale) else { panic!("{stale:?}") };
    assert_eq!(rejection.rule, "A1");
    assert_eq!(rejection.reason(), RejectionReason::StaleHead);
    assert_eq!(rejection.subject, "mine/M1");
    assert_eq!(&rejection.newest_head[..], created.id().as_bytes());
    assert!(!rejection.next_step.is_empty() && rejection.message.contains("mine/M1"));

    let too_much = node.submit(&lose("mine/M1", created.id(), 1_001)).await.expect_err("more than there is");
    let Refusal::Rejected(rejection) = refusal(&too_much) else { panic!("{too_much:?}") };
    assert_eq!((rejection.rule.as_str(), rejection.reason()), ("M1", RejectionReason::NotEnoughMass));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_records_take_no_leaf_and_make_no_block() {
    let world = World::new();
    let node = world.start().await;
    let before = *node.node.ledger().newest.borrow();
    let unknown = commission(9, 1);
    for _ in 0..5 {
        node.submit(&lose("mine/M9", unknown.id(), 1)).await.expect_err("no such lot");
    }
    assert_eq!(*node.node.ledger().newest.borrow(), before);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_is_refused_by_field() {
    let world = World::new();
    let node = world.start().await;
    let good = commission(1, 1_000).entry();
    let mut forged = good.clone();
    *forged.last_mut().expect("not empty") ^= 1;
    let cases = [
        (b"nonsense".to_vec(), "entry"),
        ([&good[..], &[0]].concat(), "entry"),
        (vec![7; 70_000], "entry"),
        (forged, "entry.signature"),
    ];
    for (bytes, field) in cases {
        let status = node.submit_bytes(bytes).await.expect_err(field);
        let Refusal::Malformed(fields) = refusal(&status) else { panic!("{status:?}") };
        assert_eq!(fields.first().map(|fault| fault.field.as_str()), Some(field), "{status:?}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_in_order_and_a_bad_record_stops_no_other() {
    let world = World::new();
    let node = world.start().await;
    let lots: Vec<_> = (1..=300).map(|number| commission(number, 1_000)).collect();
    // Builds on records of the same stream that nobody has committed yet.
    let blended = blend(1, &[("mine/M1", lots[0].id(), 600), ("mine/M2", lots[1].id(), 500)]);
    let lost = lose("mine/B1", blended.id(), 100);
    let stale = lose("mine/M1", lots[0].id(), 1);
    let mut entries: Vec<Bytes> = lots.iter().map(|record| record.entry().into()).collect();
    entries.extend([blended, lost, stale, lots[5].clone()].map(|record| Bytes::from(record.entry())));
    entries.insert(10, Bytes::from(vec![7; 70_000]));
    let results = node.stream(entries, 70).await;

    assert_eq!(results.len(), 305);
    assert!(results.iter().zip(0..).all(|(result, sequence)| result.sequence == sequence));
    let outcome = |at: usize| results[at].outcome.as_ref().expect("an outcome");
    assert!(
        matches!(outcome(10), Outcome::Malformed(fault) if fault.message.contains("70000")),
        "{:?}",
        outcome(10)
    );
    let accepted =
        results.iter().filter(|result| matches!(result.outcome, Some(Outcome::Accepted(_)))).count();
    assert_eq!(accepted, 302, "{:?}", &results[299..]);
    assert!(matches!(outcome(303), Outcome::Rejected(no) if no.reason() == RejectionReason::StaleHead));
    assert!(matches!(outcome(304), Outcome::AlreadyThere(_)), "{:?}", outcome(304));
    let leaves: Vec<u64> = results
        .iter()
        .filter_map(|result| match &result.outcome {
            Some(Outcome::Accepted(place)) => Some(place.leaf_index),
            _ => None,
        })
        .collect();
    assert!(leaves.is_sorted(), "leaves follow the order of the stream");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_when_to_come_back_and_takes_records_again() {
    let world = World::new();
    let mut config = world.config();
    config.pool_records = 8;
    let node = start(config).await;
    let room = node.node.admission().try_room(8, 1).expect("nobody waits");
    let full = node.submit(&commission(1, 1_000)).await.expect_err("no room");
    assert_eq!(full.code(), tonic::Code::ResourceExhausted);
    let Refusal::Later { after, .. } = refusal(&full) else { panic!("{full:?}") };
    assert!(after.as_millis() > 0);
    drop(room);
    node.submit(&commission(1, 1_000)).await.expect("room again");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_for_another_ledger_or_by_a_stranger_is_refused() {
    let world = World::new();
    let node = world.start().await;
    let mut foreign = commission(1, 1_000).record().clone();
    foreign.origin = "elsewhere.example/tin".into();
    let foreign = ore_record::SignedRecord::sign(foreign, &crate::world::key("mine")).expect("a record");
    let stranger = sign("nobody", commission(2, 5).event().clone());
    for (record, reason) in
        [(foreign, RejectionReason::WrongLedger), (stranger, RejectionReason::UnknownMember)]
    {
        let status = node.submit(&record).await.expect_err("refused");
        let Refusal::Rejected(rejection) = refusal(&status) else { panic!("{status:?}") };
        assert_eq!(rejection.reason(), reason);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_is_judged_as_it_would_be_and_leaves_no_trace() {
    let world = World::new();
    let node = world.start().await;
    let first = commission(1, 1_000);
    node.submit(&first).await.expect("accepted");
    let second = commission(2, 1_000);
    let blended = blend(1, &[("mine/M1", first.id(), 600), ("mine/M2", second.id(), 500)]);
    let too_much = lose("mine/B1", blended.id(), 5_000);
    let mut forged = commission(3, 1).entry();
    *forged.last_mut().expect("not empty") ^= 1;
    let lost = lose("mine/B1", blended.id(), 100);
    let mut entries: Vec<Bytes> = [&first, &second, &blended, &too_much].map(|it| it.entry().into()).into();
    entries.extend([forged.into(), Bytes::from(lost.entry())]);

    let root = async || node.node.ledger().custody.write().await.state_root();
    let (size, before) = (node.node_size().await, root().await);
    for messages in [1, 4, 6] {
        let checked = node.check(entries.clone(), messages).await.expect("judged");
        assert_eq!((checked.judged, checked.tree_size), (6, size));
        let refused: Vec<_> = checked.refused.iter().map(|it| (it.sequence, it.outcome.as_ref())).collect();
        let [(3, Some(Outcome::Rejected(no))), (4, Some(Outcome::Malformed(bad)))] = &refused[..] else {
            panic!("{refused:?}")
        };
        assert_eq!((no.rule.as_str(), bad.field.as_str()), ("M1", "entry.signature"));
        assert_eq!((node.node_size().await, root().await), (size, before));
    }

    // What was not refused goes in, and in the same order the same is refused.
    let results = node.stream(entries, 6).await;
    let there = |result: &SubmitResult| {
        matches!(result.outcome, Some(Outcome::Accepted(_) | Outcome::AlreadyThere(_)))
    };
    assert_eq!(
        results.iter().map(there).collect::<Vec<_>>(),
        [true, true, true, false, false, true],
        "{results:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_is_in_the_ledger_already() {
    let world = World::new();
    let node = world.start().await;
    let (there, new) = (commission(0, 1_000), commission(1, 1_000));
    node.publish(&there).await;
    // Twice the same is new twice: neither is in the ledger.
    let entries = [&new, &there, &new, &there].map(|record| Bytes::from(record.entry()));
    let checked = node.check(entries.to_vec(), 3).await.expect("judged");
    assert_eq!((checked.judged, checked.refused.len(), checked.already_there), (4, 0, vec![1, 3]));
    node.stop().await;
}

/// The state rests after a check nine times as long as it took. Whoever waits for that is in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_waits_for_its_turn_keeps_no_question_waiting() {
    let world = World::new();
    let node = world.start().await;
    node.publish(&commission(0, 1_000)).await;
    let many: Vec<Bytes> = (1..1_000).map(|number| commission(number, 1_000).entry().into()).collect();
    let checked = node.check(many, 1_000).await.expect("judged");
    assert_eq!((checked.judged, checked.refused.len()), (999, 0));
    let messages =
        tokio_stream::iter([wire::CheckRequest { entries: vec![commission(1, 1).entry().into()] }]);
    let mut door = node.submission();
    let waits = tokio::spawn(async move { door.check(messages).await?.into_inner().message().await });
    let mut provenance = wire::provenance_service_client::ProvenanceServiceClient::new(node.channel.clone());
    let mut answered = 0;
    while !waits.is_finished() {
        let request = wire::AttributeRequest { lot: "mine/M0".into(), element: 73, ..Default::default() };
        provenance.attribute(request).await.expect("an answer");
        answered += 1;
    }
    let checked = waits.await.expect("no panic").expect("judged").expect("one answer");
    assert_eq!(checked.judged, 1);
    assert!(answered >= 10, "{answered} questions while a check waited for its turn");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_has_its_bounds() {
    let world = World::new();
    let node = world.start().await;
    let one = Bytes::from(commission(1, 1_000).entry());
    let too_many = node.check(vec![one.clone(); 1_001], 1_001).await.expect_err("too many in a message");
    assert!(matches!(refusal(&too_many), Refusal::Malformed(_)), "{too_many:?}");
    // Refusals end it: what stands in for a lot that is not there is refused each time.
    let nothing = Bytes::from(lose("mine/M9", commission(9, 1).id(), 1).entry());
    let checked = node.check(vec![nothing; 1_500], 500).await.expect("judged");
    assert_eq!((checked.judged, checked.refused.len()), (1_000, 1_000));
    let checked = node.check(Vec::new(), 1).await.expect("judged");
    assert_eq!((checked.judged, checked.refused.len()), (0, 0));
    // One at a time for each caller: a second waits until the records of the first have come and were judged.
    let (send, waiting) = tokio::sync::mpsc::channel(1);
    let mut caller = node.submission();
    let first = caller.check(tokio_stream::wrappers::ReceiverStream::new(waiting));
    let mut first = first.await.expect("begun").into_inner();
    let answer = tokio::spawn(async move { first.message().await });
    let busy = loop {
        match node.check(vec![one.clone()], 1).await {
            // The first was not looked at yet.
            Ok(_) => tokio::task::yield_now().await,
            Err(busy) => break busy,
        }
    };
    assert_eq!(busy.code(), tonic::Code::ResourceExhausted, "{busy:?}");
    drop(send);
    assert_eq!(answer.await.expect("no panic").expect("judged").expect("one answer").judged, 0);
    node.check(vec![one], 1).await.expect("there is room again");
    node.stop().await;
}

/// What a node says before all was sent, its refusals or that it is too much, is not lost on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_hears_what_a_node_says_of_a_check_before_all_was_sent() {
    let world = World::new();
    let mut config = world.config();
    config.allowance.bytes_s = 1 << 30;
    let node = start(config).await;
    let url = format!("http://{}", node.node.member_addr());
    let client = Ledger::connect(&url, trust(&world), Memory::forgetful()).await.expect("it listens");

    let mut forged = commission(1, 1).entry();
    *forged.last_mut().expect("not empty") ^= 1;
    let forged = SignedRecord::decode(&forged).expect("its signature is not looked at");
    let mut check = client.check().await.expect("begun");
    for _ in 0..60 {
        check.add(&vec![forged.clone(); 1_000]).await.expect("heard or not");
    }
    let checked = check.end().await.expect("judged");
    assert_eq!((checked.judged, checked.refused.len()), (1_000, 1_000));

    let facility = Facility { name: "x".repeat(60_000), ..Facility::default() };
    let large = sign("mine", Event::RegisterFacility(RegisterFacility { facility: Some(facility) }));
    let mut check = client.check().await.expect("begun");
    let mut said = Ok(());
    for _ in 0..60 {
        said = said.and(check.add(&vec![large.clone(); 30]).await);
    }
    let said = match said {
        Ok(()) => check.end().await.map(drop),
        Err(error) => Err(error),
    };
    let Err(ClientError::Malformed(faults)) = said else { panic!("{said:?}") };
    assert!(faults[0].message.ends_with("send fewer at once"), "{faults:?}");
    node.stop().await;
}
