//! Questions about one lot: dependence, chain of custody, footprint.

use std::{collections::BTreeMap, sync::Arc};

use ore_audit::{
    Budget, Fact, StatusKind, View,
    chain::{self, Gap, GapKind},
    dependence::{self, Hanging, NodeKind},
    footprint::{self, Allocation, Burdens},
};
use ore_provenance::{Element, Limits, Parts, QuestionError, Scratch};
use ore_record::elements;
use ore_wire::{status, v1};
use tonic::Status;

use super::{Api, Asked, ask, ask_long};
use crate::services::provenance::WORK_PER_MS;

/// Moments of one lot in an answer.
const MOMENTS: usize = 10_000;
/// Statements of footprints named in an answer.
const STATEMENTS: usize = 1_000;

fn no_answer(error: QuestionError) -> Status {
    match error {
        QuestionError::NoSuchLot { .. } => Status::not_found(error.to_string()),
        QuestionError::NoContent { .. } => {
            status::malformed("element", "the lot states no content of this element")
        }
    }
}

/// What a lot's element hangs on.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn dependence(
    api: &Arc<Api>,
    request: v1::DependenceRequest,
) -> Result<v1::DependenceResponse, Status> {
    let (as_of, bounds) = (request.as_of, request.limits);
    let begin = move |asked: &Asked<'_>, scratch: &mut Scratch| {
        let lot = asked.lot(&request.lot)?;
        let element = asked.element_of(lot, request.element)?;
        let kind = match request.kind() {
            v1::DependenceKind::Facility | v1::DependenceKind::Unspecified => NodeKind::Facility,
            v1::DependenceKind::Refiner => NodeKind::Refiner,
            v1::DependenceKind::Member => NodeKind::Member,
            v1::DependenceKind::Country => NodeKind::Country,
        };
        // One walk a node: the steps of all of them together.
        let limits = Limits { steps: u32::MAX, work: asked.time_ms * WORK_PER_MS };
        let hanging = Hanging::new(&asked.view, scratch, lot, element, kind, &limits);
        Ok((element, hanging.map_err(no_answer)?))
    };
    type Question = (Element, Hanging);
    let go_on = |question: &mut Question, view: &View<'_>, scratch: &mut Scratch, budget: &mut Budget| {
        question.1.go_on(view, scratch, budget)
    };
    ask_long(api, as_of, bounds, begin, go_on, |asked, (element, hanging), done| {
        let found = hanging.close(&asked.view, done);
        let node = |it: &dependence::Node| {
            let country: String = it.country.iter().map(|letter| char::from(*letter)).collect();
            v1::DependenceNode {
                node: if it.word.is_empty() { country.clone() } else { asked.text(it.word) },
                country,
                through_e18: it.dependence.through.units(),
                without_e18: it.dependence.without.units(),
                dominates: it.dependence.through == Parts::ONE,
                alternatives: it.alternatives.iter().map(|word| asked.text(*word)).collect(),
            }
        };
        Ok(v1::DependenceResponse {
            basis: Some(asked.basis(found.complete)),
            element: element.0.into(),
            nodes: found.nodes.iter().map(node).collect(),
            origin_herfindahl_e18: found.origin_herfindahl_e18,
            node_herfindahl_e18: found.node_herfindahl_e18,
        })
    })
    .await
}

/// The timeline of a lot.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) async fn chain_of_custody(
    api: &Arc<Api>,
    request: v1::ChainOfCustodyRequest,
) -> Result<v1::ChainOfCustodyResponse, Status> {
    ask(api, request.as_of, request.limits, move |_, asked, _| {
        let lot = asked.lot(&request.lot)?;
        let chain = chain::chain(&asked.view, lot, MOMENTS);
        let moment = |it: &chain::Moment| v1::CustodyMoment {
            record_id: asked.record_id(it.leaf),
            event: asked.view.entry(it.leaf).map_or("", |entry| word(&entry.fact)).to_owned(),
            event_time_ms: it.event_ms,
            author: asked.text(it.author),
            custodian: asked.text(it.custodian),
            owner: asked.text(it.owner),
            facility: asked.text(it.place),
        };
        Ok(v1::ChainOfCustodyResponse {
            basis: Some(asked.basis(chain.complete)),
            moments: chain.moments.iter().map(moment).collect(),
            gaps: chain.gaps.iter().map(|gap| gap_of(&asked, gap)).collect(),
        })
    })
    .await
}

fn gap_of(asked: &Asked<'_>, gap: &Gap) -> v1::CustodyGap {
    let (kind, detail) = match gap.kind {
        GapKind::Moved { from, to } => {
            (v1::CustodyGapKind::Moved, format!("{} to {}", asked.text(from), asked.text(to)))
        }
        GapKind::OnTheWay { carrier } => (v1::CustodyGapKind::OnTheWay, asked.text(carrier)),
        GapKind::Unanswered { receiver } => (v1::CustodyGapKind::Unanswered, asked.text(receiver)),
        GapKind::Backwards => (v1::CustodyGapKind::Backwards, String::new()),
    };
    v1::CustodyGap {
        kind: kind.into(),
        after: asked.record_id(gap.after),
        before: asked.record_id(gap.before),
        from_ms: gap.from_ms,
        to_ms: gap.to_ms,
        detail,
    }
}

const fn word(fact: &Fact) -> &'static str {
    match fact {
        Fact::Commission(_) => "commission",
        Fact::Step(_) => "transform",
        Fact::Ship(_) => "ship",
        Fact::Accept(_) => "accept",
        Fact::Returned { .. } => "offer ended",
        Fact::Assay { .. } => "assay",
        Fact::SealEvent { .. } => "seal",
        Fact::Use { .. } => "use",
        Fact::Dispose { .. } => "dispose",
        Fact::Status { kind: StatusKind::Hold, .. } => "hold",
        Fact::Status { kind: StatusKind::Release, .. } => "release",
        Fact::Status { kind: StatusKind::Recall, .. } => "recall",
        Fact::Footprint { .. } => "footprint",
        Fact::Withdraw { .. } => "withdraw",
        Fact::Deposit { .. } => "credit deposit",
        Fact::Claim { .. } => "credit claim",
        _ => "record",
    }
}

/// The burden of a lot.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn footprint(
    api: &Arc<Api>,
    request: v1::LotFootprintRequest,
) -> Result<v1::LotFootprintResponse, Status> {
    struct Question {
        lot: u32,
        element: Element,
        allocation: &'static str,
        burdens: Burdens,
    }
    let (as_of, bounds) = (request.as_of, request.limits);
    let begin = move |asked: &Asked<'_>, _: &mut Scratch| {
        let lot = asked.lot(&request.lot)?;
        let element = asked.element_of(lot, request.element).unwrap_or(Element(0));
        let allocation = match request.allocation() {
            v1::BurdenAllocation::Value => Allocation::Value(prices(asked)?),
            v1::BurdenAllocation::Mass | v1::BurdenAllocation::Unspecified => Allocation::Mass,
        };
        let name = allocation.name();
        Ok(Question { lot, element, allocation: name, burdens: Burdens::new(lot, allocation) })
    };
    let go_on = |question: &mut Question, view: &View<'_>, _: &mut Scratch, budget: &mut Budget| {
        question.burdens.go_on(view, budget)
    };
    ask_long(api, as_of, bounds, begin, go_on, |asked, question, done| {
        let Question { lot, element, allocation, burdens } = question;
        let found = burdens.close(done);
        let contained = footprint::contained_mg(&asked.view, lot, element);
        let per_kg = found.burden.part(1_000_000, contained);
        Ok(v1::LotFootprintResponse {
            basis: Some(asked.basis(found.complete)),
            allocation: allocation.to_owned(),
            burden: Some(burden(&found.burden)),
            per_kg: (contained > 0).then(|| burden(&per_kg)),
            element: element.0.into(),
            lots: found.lots,
            silent: found.silent,
            records: found.records.iter().take(STATEMENTS).map(|leaf| asked.record_id(*leaf)).collect(),
        })
    })
    .await
}

/// The profile's list `prices`: `Ta:250`, a whole number in any unit of value for each unit of mass.
fn prices(asked: &Asked<'_>) -> Result<BTreeMap<u8, u64>, Status> {
    let lists = asked.view.profile().map_or(&[][..], |profile| &profile.lists);
    let prices: BTreeMap<u8, u64> = lists
        .iter()
        .filter(|list| list.name == "prices")
        .flat_map(|list| &list.values)
        .filter_map(|value| {
            let (symbol, price) = value.split_once(':')?;
            let element = u8::try_from(elements::atomic_number(symbol)?).ok()?;
            Some((element, price.trim().parse().ok()?))
        })
        .collect();
    if prices.is_empty() {
        return Err(status::malformed("allocation", "the profile has no list of prices: divide by mass"));
    }
    Ok(prices)
}

fn burden(it: &footprint::Burden) -> v1::Burden {
    let small = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    v1::Burden {
        co2e_micro_g: small(it.co2e_g),
        energy_micro_kj: small(it.energy_kj),
        water_micro_l: small(it.water_l),
        acid_waste_micro_mg: small(it.acid_waste_mg),
        radioactive_waste_micro_mg: small(it.radioactive_waste_mg),
        thorium_micro_mg: small(it.thorium_mg),
        uranium_micro_mg: small(it.uranium_mg),
    }
}
