//! The three questions: is a pattern consistent with the claim, what does it resemble, is a step one material.

use std::sync::Arc;

use bytes::Bytes;
use ore_audit::{Fact, View};
use ore_findings::origin_case;
use ore_fingerprint::{
    check::{Lot, Policy},
    ledger,
};
use ore_record::v1::{Assay, MaterialClass};
use ore_wire::{
    fingerprint::{
        self as wire,
        answer::{self, Map, Question, Side},
    },
    status, v1,
};
use prost::Message;
use tonic::Status;

use super::{
    super::{
        Api,
        audit::{Asked, ask},
    },
    libraries::{Named, leaf_of},
    queries::Query,
};
use crate::access::Caller;

/// Sides of one step: thirteen inputs of a blend.
const MOST_BEFORE: usize = 13;
/// Milligrams in a kilogram.
const MG: f64 = 1e6;

/// The newest assay of a lot that shows a pattern, and what the lot is.
fn newest_pattern(view: &View<'_>, lot: u32) -> Option<(u32, Assay, MaterialClass)> {
    let material = view.lot(lot).map_or(MaterialClass::Unspecified, |lot| lot.material);
    view.timeline(lot).rev().find_map(|(leaf, entry)| match &entry.fact {
        Fact::Assay { lot: of, assay, .. } if *of == lot && ledger::shows_pattern(assay) => {
            Some((leaf, (**assay).clone(), material))
        }
        _ => None,
    })
}

/// What a check rests on.
struct Gathered {
    basis: v1::Basis,
    library: Option<Named>,
    records: Vec<Bytes>,
    lot: Option<Lot>,
    origin: String,
    claims: usize,
    commitment: v1::CommitmentBasis,
    /// Why there is nothing to judge.
    missing: Vec<String>,
}

/// Is the newest pattern of a lot, or a given one, consistent with the claimed origin?
///
/// # Errors
/// `INVALID_ARGUMENT`, `NOT_FOUND`, `PERMISSION_DENIED`.
pub(crate) async fn check(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginCheckRequest,
) -> Result<v1::OriginCheckResponse, Status> {
    may_ask(api, caller, &request.lot, request.assay.is_some()).await?;
    let query = Query::of("check", caller, &request.lot, &request.encode_to_vec());
    let asked_for = request.clone();
    let gathered = ask(api, request.as_of, None, move |api, asked, _| {
        if asked_for.lot.is_empty() {
            given(api, &asked, &asked_for)
        } else {
            of_lot(api, &asked, &asked_for)
        }
    })
    .await?;
    // Neither a claim nor a pattern: nothing is compared, and nothing about an origin is learnt.
    let nothing = gathered.missing.len() == 2;
    let policy = Policy { accept_assumed_campaign_covariance: request.accept_assumed_laboratories };
    let pictures = Map::asked(request.pictures, request.embedding);
    let mut answer = compute(api, move |api| {
        let Gathered { library, lot, origin, claims, commitment, missing, .. } = gathered;
        let refused = |reasons: Vec<String>, library: Option<v1::LibraryName>| v1::OriginCheckResponse {
            origin: origin.clone(),
            library,
            claims: claims as u32,
            commitment: commitment.into(),
            result: Some(v1::origin_check_response::Result::NotAssessable(v1::NotAssessable { reasons })),
            ..v1::OriginCheckResponse::default()
        };
        let mut answer = match (library.map(|library| library.fitted(api)), lot) {
            (Some(Ok(fitted)), Some(lot)) => {
                let question = Question { lot: &lot, origin: &origin, commitment, claims, policy, pictures };
                answer::check_lot(&fitted, &question)
            }
            (Some(Err((name, why))), _) => refused(vec![why], Some(name)),
            (library, _) => {
                let name = library.and_then(Result::ok).map(|fitted| fitted.name.clone());
                refused(missing, name)
            }
        };
        answer.basis = Some(gathered.basis);
        answer.records = gathered.records;
        Ok(answer)
    })
    .await?;
    answer.lot = request.lot;
    let assessed = matches!(answer.result, Some(v1::origin_check_response::Result::Assessed(_)));
    if !nothing {
        query.written(api, answer.library.as_ref(), &answer.origin, assessed)?;
    }
    Ok(answer)
}

/// From the claim, the assay and the library that the claim names.
fn of_lot(api: &Api, asked: &Asked<'_>, request: &v1::OriginCheckRequest) -> Result<Gathered, Status> {
    if !request.library.is_empty() || !request.origin.is_empty() {
        let why = "the claim's record names library and origin; leave them out with a lot";
        return Err(status::malformed("library", why));
    }
    let lot = asked.lot(&request.lot)?;
    let mut gathered = Gathered {
        basis: asked.basis(true),
        library: None,
        records: Vec::new(),
        lot: None,
        origin: String::new(),
        claims: 0,
        commitment: v1::CommitmentBasis::None,
        missing: Vec::new(),
    };
    let Some(found) = origin_case(&asked.view, lot, None) else {
        let claimed = asked.view.timeline(lot).any(|(_, entry)| matches!(entry.fact, Fact::Origin { .. }));
        if !claimed {
            gathered.missing.push("no record claims an origin for the lot".to_owned());
        }
        if newest_pattern(&asked.view, lot).is_none() {
            gathered.missing.push("no assay of the lot shows a trace pattern".to_owned());
        }
        return Ok(gathered);
    };
    let case = found.case();
    gathered.library = Some(Named::at(api, asked, Some(found.library))?);
    gathered.records = [found.claim, found.at, found.library].map(|leaf| asked.record_id(leaf)).to_vec();
    gathered.lot = Some(ledger::lot(case.assay, case.material));
    gathered.origin = case.origin.to_owned();
    gathered.claims = case.claims;
    if case.committed_first {
        gathered.commitment = v1::CommitmentBasis::Ledger;
    }
    Ok(gathered)
}

/// From an assay that was given.
fn given(api: &Api, asked: &Asked<'_>, request: &v1::OriginCheckRequest) -> Result<Gathered, Status> {
    let lot = given_lot(request.assay.as_ref())?;
    if request.origin.is_empty() || request.origin.len() > 96 {
        return Err(status::malformed("origin", "the claimed origin, at most 96 bytes"));
    }
    let leaf = leaf_of(asked, &request.library)?;
    Ok(Gathered {
        basis: asked.basis(true),
        library: Some(Named::at(api, asked, leaf)?),
        records: Vec::new(),
        lot: Some(lot),
        origin: request.origin.clone(),
        claims: 1,
        commitment: if request.committed_first {
            v1::CommitmentBasis::Stated
        } else {
            v1::CommitmentBasis::None
        },
        missing: Vec::new(),
    })
}

fn given_lot(assay: Option<&v1::TraceAssay>) -> Result<Lot, Status> {
    let assay = assay.ok_or_else(|| status::malformed("assay", "name a lot, or give an assay"))?;
    wire::lot(assay).map_err(|bad| status::malformed("assay", &bad.to_string()))
}

/// One of a lot and an assay; the lot is one that the caller may see.
async fn may_ask(api: &Api, caller: &Caller, lot: &str, given: bool) -> Result<(), Status> {
    if lot.is_empty() != given {
        return Err(status::malformed("lot", "name a lot or give an assay, one of the two"));
    }
    if lot.is_empty() {
        return Ok(());
    }
    caller.may_see(&*api.ledger.custody.read().await, lot)
}

/// Computes off the reactor, a bounded number at once, without any lock of the ledger.
pub(super) async fn compute<T: Send + 'static>(
    api: &Arc<Api>,
    work: impl FnOnce(&Api) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let turn = api.turn().await?;
    let api = Arc::clone(api);
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&api)
    });
    done.await.map_err(|_| Status::internal("the computation failed; the operator's log has more"))?
}

/// Which origins does a pattern resemble?
///
/// # Errors
/// As [`check`].
pub(crate) async fn attribute(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginAttributeRequest,
) -> Result<v1::OriginAttributeResponse, Status> {
    use v1::origin_attribute_response::Result as Answer;
    may_ask(api, caller, &request.lot, request.assay.is_some()).await?;
    let query = Query::of("attribute", caller, &request.lot, &request.encode_to_vec());
    let asked_for = request.clone();
    let (basis, library, lot) = ask(api, request.as_of, None, move |api, asked, _| {
        let lot = if asked_for.lot.is_empty() {
            Some(given_lot(asked_for.assay.as_ref())?)
        } else {
            let lot = asked.lot(&asked_for.lot)?;
            newest_pattern(&asked.view, lot).map(|(_, assay, material)| ledger::lot(&assay, material))
        };
        let library = Named::at(api, &asked, leaf_of(&asked, &asked_for.library)?)?;
        Ok((asked.basis(true), library, lot))
    })
    .await?;
    let map = Map::asked(request.pictures, request.embedding);
    let mut answer = compute(api, move |api| {
        let refused = |why: String, name| v1::OriginAttributeResponse {
            library: Some(name),
            result: Some(Answer::NotAssessable(v1::NotAssessable { reasons: vec![why] })),
            ..v1::OriginAttributeResponse::default()
        };
        Ok(match (library.fitted(api), lot) {
            (Ok(fitted), Some(lot)) => answer::attribute_lot(&fitted, &lot, map),
            (Ok(fitted), None) => {
                refused("no assay of the lot shows a trace pattern".to_owned(), fitted.name.clone())
            }
            (Err((name, why)), _) => refused(why, name),
        })
    })
    .await?;
    answer.basis = Some(basis);
    answer.lot = request.lot;
    let assessed = matches!(answer.result, Some(Answer::Resembles(_)));
    query.written(api, answer.library.as_ref(), "", assessed)?;
    Ok(answer)
}

/// Are the patterns before and after a step those of one material?
///
/// # Errors
/// As [`check`].
pub(crate) async fn step(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginStepRequest,
) -> Result<v1::OriginStepResponse, Status> {
    use v1::origin_step_response::Result as Answer;
    if request.before.len() > MOST_BEFORE {
        return Err(status::malformed("before", "at most 13 assays before a step"));
    }
    let after =
        request.after.clone().ok_or_else(|| status::malformed("after", "give the assay after the step"))?;
    for part in request.before.iter().chain([&after]) {
        may_ask(api, caller, &part.lot, part.assay.is_some()).await?;
    }
    let query = Query::of("step", caller, &after.lot, &request.encode_to_vec());
    let kind = request.kind();
    let asked_for = request.clone();
    let (basis, sides, library) = ask(api, request.as_of, None, move |api, asked, _| {
        let sides: Result<Vec<Result<Side, String>>, Status> =
            asked_for.before.iter().chain([&after]).map(|part| side(&asked, part)).collect();
        let library = match kind {
            v1::OriginStepKind::DifferentSamples => {
                Some(Named::at(api, &asked, leaf_of(&asked, &asked_for.library)?)?)
            }
            _ => None,
        };
        Ok((asked.basis(true), sides?, library))
    })
    .await?;
    let mut answer = compute(api, move |api| {
        let refused = |why: String| v1::OriginStepResponse {
            kind: kind.into(),
            result: Some(Answer::NotAssessable(v1::NotAssessable { reasons: vec![why] })),
            ..v1::OriginStepResponse::default()
        };
        let mut sides = match sides.into_iter().collect::<Result<Vec<Side>, String>>() {
            Ok(sides) => sides,
            Err(why) => return Ok(refused(why)),
        };
        let fitted = match library.map(|library| library.fitted(api)).transpose() {
            Ok(fitted) => fitted,
            Err((_, why)) => return Ok(refused(why)),
        };
        let Some(after) = sides.pop() else { return Ok(refused("no assay is given".to_owned())) };
        Ok(answer::step_lots(kind, &sides, &after, fitted.as_ref().map(|fitted| &fitted.library)))
    })
    .await?;
    answer.basis = Some(basis);
    let assessed = matches!(answer.result, Some(Answer::Tested(_) | Answer::Blend(_)));
    query.written(api, None, "", assessed)?;
    Ok(answer)
}

/// One side, or why a lot has none.
fn side(asked: &Asked<'_>, part: &v1::StepPart) -> Result<Result<Side, String>, Status> {
    let stated = |number: f64| number.is_finite() && number >= 0.0;
    if !stated(part.mass_kg) || !stated(part.mass_relative_deviation) {
        return Err(status::malformed(
            "mass_kg",
            "a mass in kilograms and its relative deviation, not below zero",
        ));
    }
    let (mass_rsd, mut mass_kg) = (part.mass_relative_deviation, part.mass_kg);
    if part.lot.is_empty() {
        return Ok(Ok(Side { lot: given_lot(part.assay.as_ref())?, mass_kg, mass_rsd }));
    }
    let lot = asked.lot(&part.lot)?;
    if mass_kg == 0.0 {
        mass_kg = asked.view.lot(lot).map_or(0.0, |lot| lot.dry_mg as f64 / MG);
    }
    let Some((_, assay, material)) = newest_pattern(&asked.view, lot) else {
        return Ok(Err(format!("no assay of {} shows a trace pattern", part.lot)));
    };
    Ok(Ok(Side { lot: ledger::lot(&assay, material), mass_kg, mass_rsd }))
}
