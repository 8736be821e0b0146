//! The ledger as EPCIS events: pages, parameters, and problem details for what cannot be answered.

use ore_record::v1::{self, record::Event};
use serde_json::Value;

use crate::{
    audit::{get, get_raw},
    world::{World, blend, commission, sign},
};

fn page(address: std::net::SocketAddr, path: &str) -> (Vec<Value>, Option<String>) {
    let (status, headers, body) = get_raw(address, path, None);
    assert_eq!(status, 200, "{path}: {headers}\n{}", String::from_utf8_lossy(&body));
    assert!(
        headers.contains("application/ld+json")
            && headers.to_lowercase().contains("gs1-epcis-version: 2.0.0")
    );
    let survey = ore_epcis::survey(body.as_slice()).expect("can be read");
    assert_eq!(survey.faults, [], "a valid query document");
    let document: Value = serde_json::from_slice(&body).expect("JSON");
    let events =
        document["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array().expect("a list").clone();
    let link = headers.lines().find(|line| line.to_lowercase().starts_with("link: "));
    let next = link.and_then(|line| line.split('<').nth(1)?.split('>').next().map(str::to_owned));
    (events, next)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_page_by_page_and_only_those_that_were_asked_for() {
    let world = World::new();
    let node = world.start().await;
    let address = node.node.member_addr();
    let (first, second) = (commission(1, 1_000), commission(2, 3_000));
    let blended = blend(1, &[("mine/M1", first.id(), 1_000), ("mine/M2", second.id(), 3_000)]);
    for record in [&first, &second, &blended] {
        node.publish(record).await;
    }
    let (all, next) = page(address, "/epcis/events");
    let kinds: Vec<&str> = all.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        (kinds.as_slice(), next),
        (["ObjectEvent", "ObjectEvent", "TransformationEvent"].as_slice(), None)
    );
    assert!(all.iter().all(|event| event["recordTime"].is_string() && event["eventID"].is_string()));

    let (mut events, mut path) =
        (Vec::new(), Some("/epcis/events?perPage=1&EQ_bizStep=commissioning".to_owned()));
    let mut pages = 0;
    while let Some(next) = path {
        let (part, link) = page(address, &next);
        assert!(part.len() <= 1);
        events.extend(part);
        (path, pages) = (link, pages + 1);
        assert!(pages < 20, "pages come to an end");
    }
    assert_eq!(events, all, "page by page the same");

    let lot = all[0]["quantityList"][0]["epcClass"].as_str().expect("a lot").to_owned();
    let (of_lot, _) = page(address, &format!("/epcis/events?MATCH_anyEPC={lot}"));
    assert_eq!(of_lot, [all[0].clone(), all[2].clone()]);
    assert_eq!(page(address, "/epcis/events?eventType=AggregationEvent").0, Vec::<Value>::new());
    assert_eq!(page(address, "/epcis/events?GE_eventTime=2999-01-01T00:00:00Z").0, Vec::<Value>::new());

    let withdraw = v1::Withdraw {
        record: blended.id().as_bytes().to_vec(),
        reason: v1::WithdrawReason::IncorrectData.into(),
        explanation: "another heap".into(),
    };
    node.publish(&sign("mine", Event::Withdraw(withdraw))).await;
    let (wrong, _) = page(address, "/epcis/events?EXISTS_errorDeclaration=true");
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0]["errorDeclaration"]["reason"], "incorrect_data");
    assert_eq!(wrong[0]["outputQuantityList"], all[2]["outputQuantityList"], "the event that it takes back");

    for query in ["EQ_colour=red", "perPage=none", "nextPageToken=x", "GE_eventTime=soon"] {
        let (status, headers, body) = get(address, &format!("/epcis/events?{query}"));
        assert!(status == 400 && headers.contains("application/problem+json"), "{query}: {headers}");
        let problem: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["type"], "epcisException:QueryParameterException");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("§8.2.7.1")), "{problem}");
    }
    orders_and_counts(address, &page(address, "/epcis/events").0);

    // Capture is beside the member's key, and who asks for it here is told so.
    let (status, headers, body) = get(address, "/epcis/capture");
    let body = String::from_utf8_lossy(&body);
    assert!(status == 405 && headers.contains("application/problem+json"), "{headers}");
    assert!(body.contains("oreledger capture"), "{body}");
    node.stop().await;
}

/// Every page of a query, one after the other.
fn pages(address: std::net::SocketAddr, query: &str) -> Vec<Value> {
    let (mut events, mut path) = (Vec::new(), Some(format!("/epcis/events?{query}")));
    while let Some(next) = path {
        let (part, link) = page(address, &next);
        events.extend(part);
        path = link;
        assert!(events.len() < 100, "pages come to an end");
    }
    events
}

fn orders_and_counts(address: std::net::SocketAddr, all: &[Value]) {
    let reversed: Vec<Value> = all.iter().rev().cloned().collect();
    for per_page in [1, 2, 30] {
        let ordered = |order: &str| pages(address, &format!("perPage={per_page}&{order}"));
        assert_eq!(ordered("orderBy=recordTime&orderDirection=ASC"), all);
        assert_eq!(ordered("orderBy=recordTime"), reversed, "the newest first, if nothing is said");
        let times: Vec<String> = ordered("orderBy=eventTime&orderDirection=ASC")
            .iter()
            .map(|event| event["eventTime"].as_str().expect("a time").to_owned())
            .collect();
        assert!(times.len() == all.len() && times.is_sorted(), "{times:?}");
        let first = ordered("orderBy=eventTime&orderDirection=ASC&eventCountLimit=3");
        assert_eq!(first.len(), 3);
        assert_eq!(ordered("orderBy=recordTime&eventCountLimit=2"), reversed[..2]);
        assert_eq!(ordered(&format!("maxEventCount={}", all.len())), all);
    }
    let (status, _, body) = get(address, &format!("/epcis/events?maxEventCount={}", all.len() - 1));
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, &problem["type"]), (413, &"epcisException:QueryTooLargeException".into()));

    // Bounds of the record time find the blocks without a look at the others.
    let taken = |at: usize| all[at]["recordTime"].as_str().expect("a time");
    let since = pages(address, &format!("GE_recordTime={}", taken(1)));
    let until = pages(address, &format!("LT_recordTime={}", taken(1)));
    let (before, after): (Vec<Value>, Vec<Value>) =
        all.iter().cloned().partition(|event| event["recordTime"].as_str() < Some(taken(1)));
    assert_eq!((since, until), (after, before));
}
