//! Long questions over gRPC: appends go on while one is answered, and one ends when its caller leaves.
//!
//! A question may be over before anything else has happened, so each is asked again until it was not.

use ore_wire::v1::{self, provenance_service_client::ProvenanceServiceClient};
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};

use crate::{
    auditor::{Story, audit, story_so_far},
    world::until,
};

/// Records held back, to be appended while questions are answered.
const HELD_BACK: usize = 400;

#[derive(Clone, Copy, Debug)]
enum Question {
    Balance,
    Findings,
    Recall,
    Circularity,
}

const QUESTIONS: [Question; 4] =
    [Question::Balance, Question::Findings, Question::Recall, Question::Circularity];

/// Asks, and reads the answer to its end. No two turns ask as of the same business date: that copies the graph.
async fn answered(channel: Channel, question: Question, lot: String, turn: u64) -> Result<(), Status> {
    let as_of = Some(v1::AsOf { tree_size: 0, date_ms: 4_000_000_000_000 + turn });
    match question {
        Question::Balance => {
            let facility = "refiner-1/works".into();
            let asked = v1::MassBalanceRequest { facility, element: 73, as_of, ..Default::default() };
            let sheet = audit(&channel).mass_balance(asked).await?.into_inner();
            assert!(!sheet.lines.is_empty(), "the refinery has books");
        }
        Question::Findings => {
            let asked = v1::FindingsRequest { all: true, as_of, ..Default::default() };
            let mut parts = audit(&channel).findings(asked).await?.into_inner();
            let mut summary = None;
            while let Some(part) = parts.message().await? {
                summary = part.summary;
            }
            assert!(summary.is_some_and(|summary| summary.records > 1_000));
        }
        Question::Recall => {
            let asked = v1::TraceForwardRequest {
                lot,
                element: 73,
                as_of_date_ms: 4_000_000_000_000 + turn,
                ..Default::default()
            };
            let mut provenance = ProvenanceServiceClient::new(channel);
            let mut parts = provenance.trace_forward(asked).await?.into_inner();
            let mut met = 0;
            while let Some(part) = parts.message().await? {
                met += part.descendants.len();
            }
            assert!(met > 50, "{met} descendants");
        }
        Question::Circularity => {
            let asked =
                v1::CircularityRequest { element: 73, generations: true, as_of, ..Default::default() };
            let loops = audit(&channel).circularity(asked).await?.into_inner();
            assert!(!loops.countries.is_empty());
        }
    }
    Ok(())
}

/// A story's node, and the oldest ancestor of its newest device.
async fn told() -> (Story, String) {
    let story = story_so_far(1_000, false, HELD_BACK).await;
    let lot = story.known.first().expect("devices were made").lot.clone();
    let asked = v1::TraceBackRequest { lot, element: 73, ..Default::default() };
    let mut parts = ProvenanceServiceClient::new(story.node.channel.clone())
        .trace_back(asked)
        .await
        .expect("a stream")
        .into_inner();
    let mut oldest = None;
    while let Some(part) = parts.message().await.expect("a part") {
        oldest = part.lots.last().and_then(|lot| lot.lot.clone()).map(|lot| lot.lot).or(oldest);
    }
    (story, oldest.expect("it has ancestors"))
}

/// Asks so many times, one after the other, and waits until the node computes the first answer, or has answered all.
async fn begun(
    story: &Story,
    question: Question,
    lot: &str,
    turn: u64,
    times: u64,
) -> JoinHandle<Result<(), Status>> {
    let metrics = &story.node.node.ledger().metrics;
    let before = metrics.questions.get();
    let (channel, lot) = (story.node.channel.clone(), lot.to_owned());
    let asked = tokio::spawn(async move {
        for time in 0..times {
            answered(channel.clone(), question, lot.clone(), 1_000 * turn + time).await?;
        }
        Ok(())
    });
    while metrics.questions.get() == before && !asked.is_finished() {
        tokio::task::yield_now().await;
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_go_on_while_a_long_question_is_answered() {
    let (mut story, lot) = told().await;
    let mut coming = std::mem::take(&mut story.coming).into_iter();
    let mut turn = 0;
    for question in QUESTIONS {
        // Ends: each turn appends a record, of which so many were held back. On a busy machine a question is soon over:
        // then it is asked several times on end.
        for tried in 0.. {
            turn += 1;
            let entry =
                coming.next().unwrap_or_else(|| panic!("{question:?} was always over before an append"));
            let asked = begun(&story, question, &lot, turn, 1 + tried / 10).await;
            story.node.submit_bytes(entry.to_vec()).await.expect("durable");
            let went_on = !asked.is_finished();
            asked.await.expect("no panic").expect("an answer");
            if went_on {
                break;
            }
        }
    }
    story.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_ends_when_its_caller_leaves() {
    let (story, lot) = told().await;
    let mut turn = 0;
    for question in QUESTIONS {
        let ledger = story.node.node.ledger();
        let left = ledger.metrics.questions_left.get();
        loop {
            turn += 1;
            assert!(turn < 1_000, "{question:?} was always over before its caller left");
            let asked = begun(&story, question, &lot, turn, 1).await;
            asked.abort();
            let metrics = &ledger.metrics;
            until("the question's end", async || {
                (metrics.questions_ended.get() == metrics.questions.get()).then_some(())
            })
            .await;
            if metrics.questions_left.get() > left {
                break;
            }
        }
        // Its turn is free again.
        turn += 1;
        answered(story.node.channel.clone(), question, lot.clone(), turn).await.expect("an answer");
    }
    story.node.stop().await;
}
