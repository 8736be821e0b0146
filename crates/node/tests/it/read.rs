//! What a member reads: lots, histories, provenance, the consortium.

use ore_wire::v1::{
    self, consortium_service_client::ConsortiumServiceClient,
    provenance_service_client::ProvenanceServiceClient,
};

use crate::world::{Running, World, blend, commission, lose};

/// Two mined lots, blended; a part of the blend is lost.
async fn story(node: &Running) {
    let (first, second) = (commission(1, 1_000), commission(2, 3_000));
    let blended = blend(1, &[("mine/M1", first.id(), 1_000), ("mine/M2", second.id(), 3_000)]);
    let lost = lose("mine/B1", blended.id(), 400);
    for record in [&first, &second, &blended, &lost] {
        node.publish(record).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_shows_who_has_it_what_remains_and_its_whole_history() {
    let world = World::new();
    let node = world.start().await;
    story(&node).await;
    let answer = node.lots().get_lot(v1::GetLotRequest { lot: "mine/B1".into() }).await.expect("there");
    let lot = answer.into_inner().lot.expect("a lot");
    assert_eq!((lot.custodian.as_str(), lot.remaining_dry_mg, lot.created_dry_mg), ("mine", 3_600, 4_000));
    assert_eq!(lot.form, "tantalite concentrate");
    assert_eq!(lot.status(), ore_record::v1::LotStatus::Active);

    let request = v1::HistoryRequest { lot: "mine/M1".into(), ..Default::default() };
    let history = node.lots().history(request).await.expect("there").into_inner();
    assert_eq!((history.entries.len(), history.cut_short.as_str()), (2, ""));
    assert_eq!((history.followed, history.at_limit), (2, false));
    let request = v1::HistoryRequest { lot: "mine/M1".into(), page_size: 1, ..Default::default() };
    let page = node.lots().history(request).await.expect("there").into_inner();
    assert_eq!((page.entries.len(), page.followed), (1, 2), "of all pages");
    assert!(history.entries[0].leaf_index < history.entries[1].leaf_index);

    let heads = v1::GetHeadsRequest { lots: vec!["mine/B1".into(), "mine/none".into()] };
    let heads = node.lots().get_heads(heads).await.expect("an answer").into_inner().heads;
    assert_eq!(heads[0].head, lot.head);
    assert!(heads[1].head.is_empty());

    let named = ["mine/M2", "mine/none", "mine/B1"].map(str::to_owned).to_vec();
    let named = node.lots().get_lots(v1::GetLotsRequest { lots: named }).await.expect("an answer");
    let named = named.into_inner().lots;
    assert_eq!((named.len(), named[0].lot.as_str(), &named[1]), (2, "mine/M2", &lot));
    let many = v1::GetLotsRequest { lots: vec!["mine/B1".to_owned(); 1_001] };
    assert_eq!(node.lots().get_lots(many).await.expect_err("too many").code(), tonic::Code::InvalidArgument);

    let missing = node.lots().get_lot(v1::GetLotRequest { lot: "mine/none".into() }).await;
    assert_eq!(missing.expect_err("no such lot").code(), tonic::Code::NotFound);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_come_page_by_page_in_order_of_creation() {
    let world = World::new();
    let node = world.start().await;
    for number in 0..5 {
        node.submit(&commission(number, 10)).await.expect("accepted");
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    for _ in 0..5 {
        let request = v1::ListLotsRequest { page_size: 2, page_token, custodian: "mine".into() };
        let page = node.lots().list_lots(request).await.expect("a page").into_inner();
        names.extend(page.lots.into_iter().map(|lot| lot.lot));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["mine/M0", "mine/M1", "mine/M2", "mine/M3", "mine/M4"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_sum_to_one_now_and_as_of_an_earlier_size() {
    let world = World::new();
    let node = world.start().await;
    story(&node).await;
    let mut provenance = ProvenanceServiceClient::new(node.channel.clone());
    let request = v1::AttributeRequest { lot: "mine/B1".into(), element: 73, ..Default::default() };
    let answer = provenance.attribute(request.clone()).await.expect("an answer").into_inner();
    let sum: u64 = answer.origins.iter().filter_map(|origin| Some(origin.share.as_ref()?.value_e18)).sum();
    assert_eq!(sum + answer.unresolved_e18, 1_000_000_000_000_000_000);
    // 30 % of 4,000 mg as made.
    assert_eq!(answer.contained_mg, 1_200);
    assert_eq!(answer.countries.len(), 1);

    let early = v1::AttributeRequest { as_of_tree_size: 8, ..request };
    let early = provenance.attribute(early).await.expect_err("not yet made");
    assert_eq!(early.code(), tonic::Code::NotFound);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_leads_back_to_both_sources_and_forward_to_the_blend() {
    let world = World::new();
    let node = world.start().await;
    story(&node).await;
    let mut provenance = ProvenanceServiceClient::new(node.channel.clone());
    let request = v1::TraceBackRequest { lot: "mine/B1".into(), ..Default::default() };
    let mut parts = provenance.trace_back(request).await.expect("a stream").into_inner();
    let mut whole = v1::TraceBackResponse::default();
    while let Some(part) = parts.message().await.expect("a part") {
        whole.lots.extend(part.lots);
        whole.steps.extend(part.steps);
        whole.sources.extend(part.sources);
        whole.summary = part.summary;
    }
    assert_eq!((whole.lots.len(), whole.steps.len(), whole.sources.len()), (3, 1, 2));
    assert_eq!(whole.steps[0].inputs.iter().map(|input| input.dry_mg).sum::<u64>(), 4_000);
    let summary = whole.summary.expect("the last part");
    assert_eq!((summary.element, summary.cut_short()), (73, v1::CutShort::Unspecified));

    let limited = v1::TraceBackRequest {
        lot: "mine/B1".into(),
        limits: Some(v1::Limits { lots: 1, ..Default::default() }),
        ..Default::default()
    };
    let mut parts = provenance.trace_back(limited).await.expect("a stream").into_inner();
    let mut cut = v1::CutShort::Unspecified;
    while let Some(part) = parts.message().await.expect("a part") {
        cut = part.summary.map_or(cut, |summary| summary.cut_short());
    }
    assert_ne!(cut, v1::CutShort::Unspecified, "an answer cut short says so");

    let forward = v1::TraceForwardRequest { lot: "mine/M1".into(), ..Default::default() };
    let mut parts = provenance.trace_forward(forward).await.expect("a stream").into_inner();
    let mut found = Vec::new();
    while let Some(part) = parts.message().await.expect("a part") {
        found.extend(part.descendants);
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].share.as_ref().map(|share| share.value_e18), Some(250_000_000_000_000_000));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consortium_is_told_in_full() {
    let world = World::new();
    let node = world.start().await;
    let mut consortium = ConsortiumServiceClient::new(node.channel.clone());
    let info = consortium.get_info(v1::GetInfoRequest {}).await.expect("an answer").into_inner();
    assert_eq!(info.origin, crate::world::ORIGIN);
    assert_eq!(&info.genesis_id[..], world.consortium.genesis);
    assert_eq!(info.health(), v1::Health::Serving);
    let members = consortium.list_members(v1::ListMembersRequest::default()).await.expect("an answer");
    assert_eq!(members.into_inner().members.len(), 2);
    let facilities = v1::ListFacilitiesRequest { member: "refiner".into(), ..Default::default() };
    let facilities = consortium.list_facilities(facilities).await.expect("an answer").into_inner();
    assert_eq!(facilities.facilities.first().map(|facility| facility.id.as_str()), Some("refiner/site"));
    let profile = consortium.get_profile(v1::GetProfileRequest {}).await.expect("an answer").into_inner();
    assert_eq!(profile.profile.map(|profile| profile.version), Some(1));
    let validators = consortium.get_validators(v1::GetValidatorsRequest {}).await.expect("an answer");
    assert_eq!(validators.into_inner().validators.len(), 1);
    node.stop().await;
}
