//! Balances, circularity, credits and metal accounts.

use std::sync::Arc;

use ore_audit::{
    Budget, View, accounts,
    balance::{self, Balance, BalanceOf, Books, Line},
    circularity::{CircularityOf, Flows, Reading, Rounds},
    credits::{self, CreditsOf},
    ratio_ppm,
};
use ore_provenance::Scratch;
use ore_record::v1::MaterialClass;
use ore_wire::{status, v1};
use tonic::Status;

use super::{Api, Asked, ask_long, element, mg, mg_of, period, ratio};

/// Most movements in an answer.
const MOVEMENTS: u32 = 10_000;
/// Most movements of one credit account in an answer.
const CREDIT_MOVEMENTS: usize = 1_000;

/// The books of a facility.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn mass_balance(
    api: &Arc<Api>,
    request: v1::MassBalanceRequest,
) -> Result<v1::MassBalanceResponse, Status> {
    let (from_ms, to_ms) = period(request.period)?;
    let element = element(request.element)?;
    if request.movements > MOVEMENTS {
        return Err(status::malformed("movements", "at most 10,000"));
    }
    let material = MaterialClass::try_from(request.material)
        .map_err(|_| status::malformed("material", "not a class of material"))?;
    let movements = request.movements as usize;
    let written = Arc::clone(api);
    ask_long(
        api,
        request.as_of,
        request.limits,
        move |asked, _| {
            let facility = asked.facility(&request.facility)?;
            Ok(Books::new(BalanceOf { facility, material, element, from_ms, to_ms }, movements))
        },
        move |books, view, _, budget| match written.ledger.audit.pages() {
            Some(pages) => books.go_on_with(&pages, view, budget),
            None => books.go_on(view, budget),
        },
        |asked, books, done| Ok(sheet_of(asked, &books.close(done))),
    )
    .await
}

const fn line(line: Line) -> v1::BalanceLine {
    match line {
        Line::Receipt => v1::BalanceLine::Receipt,
        Line::Source => v1::BalanceLine::Source,
        Line::Output => v1::BalanceLine::Output,
        Line::Residue => v1::BalanceLine::Residue,
        Line::Return => v1::BalanceLine::Return,
        Line::Revaluation => v1::BalanceLine::Revaluation,
        Line::Input => v1::BalanceLine::Input,
        Line::Shipment => v1::BalanceLine::Shipment,
        Line::Use => v1::BalanceLine::Use,
        Line::Disposal => v1::BalanceLine::Disposal,
    }
}

fn sheet_of(asked: &Asked<'_>, sheet: &Balance) -> v1::MassBalanceResponse {
    let time = |leaf: u32| asked.view.entry(leaf).map_or(0, |entry| entry.event_ms);
    let movement = |it: &balance::Movement| v1::Movement {
        record_id: asked.record_id(it.leaf),
        lot: asked.lot_id(it.lot),
        line: line(it.line).into(),
        mg: mg_of(it.amount_pg),
        event_time_ms: time(it.leaf),
    };
    let count = |it: &balance::Counted| v1::StockCount {
        record_id: asked.record_id(it.leaf),
        event_time_ms: time(it.leaf),
        counted_mg: mg_of(it.counted_pg),
        book_mg: mg_of(it.book_pg),
        variance_mg: mg_of(it.variance_pg()),
        throughput_mg: mg_of(it.throughput_pg),
        of_closing_ppm: it.of_closing().map_or(0, |ppm| ppm.0),
        of_throughput_ppm: it.of_throughput().map_or(0, |ppm| ppm.0),
    };
    let inputs = sheet.lines.get(&Line::Input).copied().unwrap_or(0);
    let open = ratio_ppm(sheet.unaccounted_pg(), inputs.unsigned_abs());
    v1::MassBalanceResponse {
        basis: Some(asked.basis(sheet.complete)),
        opening_mg: mg_of(sheet.opening_pg),
        lines: Line::ALL
            .iter()
            .filter_map(|of| {
                let sum = sheet.lines.get(of)?;
                Some(v1::BalanceSum { line: line(*of).into(), mg: mg_of(*sum) })
            })
            .collect(),
        closing_mg: mg_of(sheet.closing_pg),
        declared_loss_mg: mg_of(sheet.declared_loss_pg),
        unaccounted_mg: mg_of(sheet.unaccounted_pg()),
        unaccounted_ppm: open.map_or(0, |ppm| ppm.0),
        throughput_mg: mg_of(sheet.throughput_pg()),
        counts: sheet.counted.iter().map(count).collect(),
        movements: sheet.movements.iter().map(movement).collect(),
        more_movements: sheet.more_movements,
    }
}

/// What of an element went round.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) async fn circularity(
    api: &Arc<Api>,
    request: v1::CircularityRequest,
) -> Result<v1::CircularityResponse, Status> {
    let (from_ms, to_ms) = period(request.period)?;
    let of = CircularityOf {
        element: element(request.element)?,
        from_ms,
        to_ms,
        reading: match request.reading() {
            v1::RecyclingReading::Strict => Reading::Strict,
            v1::RecyclingReading::Common | v1::RecyclingReading::Unspecified => Reading::Common,
        },
        generations: request.generations,
    };
    let begin = move |_: &Asked<'_>, _: &mut Scratch| Ok(Rounds::new(of));
    let go_on = |rounds: &mut Rounds, view: &View<'_>, scratch: &mut Scratch, budget: &mut Budget| {
        rounds.go_on(view, scratch, budget)
    };
    ask_long(api, request.as_of, request.limits, begin, go_on, |asked, rounds, done| {
        let answer = rounds.close(&asked.view, done);
        let country = |letters: &[u8; 2]| letters.iter().map(|letter| char::from(*letter)).collect();
        Ok(v1::CircularityResponse {
            basis: Some(asked.basis(answer.complete)),
            reading: answer.reading.name().to_owned(),
            total: Some(row(String::new(), &answer.total)),
            countries: answer.countries.iter().map(|(letters, flows)| row(country(letters), flows)).collect(),
            generations: answer
                .generations
                .iter()
                .map(|(generation, mass)| v1::GenerationMass {
                    generation: (*generation).into(),
                    mg: mg(*mass),
                })
                .collect(),
            generations_unresolved_mg: mg(answer.generations_unresolved_pg),
        })
    })
    .await
}

fn row(country: String, flows: &Flows) -> v1::CircularityRow {
    v1::CircularityRow {
        country,
        mined_mg: mg(flows.mined_pg),
        unknown_mg: mg(flows.unknown_pg),
        scrap_pre_consumer_mg: mg(flows.scrap_pre_pg),
        scrap_post_consumer_mg: mg(flows.scrap_post_pg),
        run_around_mg: mg(flows.run_around_pg),
        intake_mg: mg(flows.intake_pg),
        recovered_mg: mg(flows.recovered_pg),
        residues_mg: mg(flows.residues_pg),
        products_mg: mg(flows.products_pg),
        charge_mg: mg(flows.charge_pg),
        recycled_charge_mg: mg(flows.recycled_charge_pg),
        returned_mg: mg(flows.returned_pg),
        recovery: ratio(flows.recovery_of_intake()),
        return_rate: ratio(flows.return_rate()),
        r#loop: ratio(flows.loop_ratio()),
        recycled_input: ratio(flows.recycled_input()),
        secondary: ratio(flows.secondary_share()),
    }
}

/// Claim credits.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn credits(
    api: &Arc<Api>,
    request: v1::CreditsRequest,
) -> Result<v1::CreditsResponse, Status> {
    element(request.element)?;
    let begin = move |asked: &Asked<'_>, _: &mut Scratch| {
        let facility = match request.facility.as_str() {
            "" => ore_audit::Word::EMPTY,
            facility => asked.facility(facility)?,
        };
        let thresholds = asked.view.profile().and_then(|profile| profile.thresholds.as_ref());
        let lifetime_months = thresholds.map_or(0, |it| it.credit_lifetime_months);
        let of = CreditsOf { facility, scheme: request.scheme, element: request.element, lifetime_months };
        Ok(credits::Statement::new(of))
    };
    let go_on = |statement: &mut credits::Statement,
                 view: &View<'_>,
                 _: &mut Scratch,
                 budget: &mut Budget| { statement.go_on(view, budget) };
    ask_long(api, request.as_of, request.limits, begin, go_on, |asked, statement, complete| {
        let accounts = statement.close(&asked.view);
        let small = |mg: u128| u64::try_from(mg).unwrap_or(u64::MAX);
        let account = |(key, it): (&credits::AccountOf, &credits::Account)| v1::CreditAccount {
            scheme: key.scheme.clone(),
            facility: key.facility.clone(),
            element: key.element,
            period: key.period,
            deposited_mg: small(it.deposited_mg),
            earned_mg: small(it.earned_mg),
            claimed_mg: small(it.claimed_mg),
            book_and_claim_mg: small(it.book_and_claim_mg),
            lapsed_mg: small(it.lapsed_mg),
            balance_mg: small(it.balance_mg()),
            input_mg: small(it.input_mg),
            rolling_average: ratio(it.rolling_average()),
            movements: it
                .lines
                .iter()
                .take(CREDIT_MOVEMENTS)
                .map(|line| v1::CreditMovement {
                    record_id: asked.record_id(line.leaf),
                    lot: asked.lot_id(line.lot),
                    mg: i64::try_from(line.mg).unwrap_or(i64::MAX),
                    book_and_claim: line.book_and_claim,
                })
                .collect(),
        };
        let accounts = accounts.iter().map(account).collect();
        Ok(v1::CreditsResponse { basis: Some(asked.basis(complete)), accounts })
    })
    .await
}

/// What tollers owe.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) async fn metal_accounts(
    api: &Arc<Api>,
    request: v1::MetalAccountsRequest,
) -> Result<v1::MetalAccountsResponse, Status> {
    let element = element(request.element)?;
    let begin = move |asked: &Asked<'_>, _: &mut Scratch| {
        let party = match request.member.as_str() {
            "" => ore_audit::Word::EMPTY,
            member => asked
                .journal()
                .words()
                .find(member)
                .ok_or_else(|| Status::not_found("no record of this ledger names that member"))?,
        };
        Ok(accounts::Statement::new(element, party))
    };
    let go_on = |statement: &mut accounts::Statement,
                 view: &View<'_>,
                 _: &mut Scratch,
                 budget: &mut Budget| { statement.go_on(view, budget) };
    ask_long(api, request.as_of, request.limits, begin, go_on, |asked, statement, complete| {
        let account = |(parties, it): (&accounts::Parties, &accounts::MetalAccount)| v1::MetalAccount {
            customer: asked.text(parties.customer),
            toller: asked.text(parties.toller),
            delivered_mg: mg(it.delivered_pg),
            returned_mg: mg(it.returned_pg),
            owed_mg: mg_of(it.owed_pg()),
            held_mg: mg(it.held_pg),
            declared_loss_mg: mg(it.declared_loss_pg),
        };
        let accounts = statement.accounts.iter().map(account).collect();
        Ok(v1::MetalAccountsResponse { basis: Some(asked.basis(complete)), accounts })
    })
    .await
}
