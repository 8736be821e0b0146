//! Claim credits (C4, C5): a ledger of its own, never added to physical shares.

use alloc::{boxed::Box, format, string::String};

use ore_record::{
    RecordId,
    v1::{AttestationState, CreditClaim, CreditDeposit, CustodyModel},
};

use crate::{
    books::{AccountKey, Line, LineKey},
    change::Write,
    desk::{Desk, Touched, brief},
    rejection::{About, Reason, Rule, Verdict, refuse},
    roster,
    rules::{
        commission,
        quantities::{weight, weight_of_sum},
        transform::model_name,
        values,
    },
};

/// What both kinds of statement name.
struct Terms<'e> {
    scheme: &'e str,
    facility: u32,
    element: u8,
    period: u32,
}

fn terms<'e>(
    desk: &Desk<'_>,
    scheme: &'e str,
    facility: &str,
    element: u32,
    period: u32,
) -> Verdict<Terms<'e>> {
    values::required_text("the scheme", scheme, 64)?;
    let (year, month) = (period / 100, period % 100);
    if !((1900..=9999).contains(&year) && (1..=12).contains(&month)) {
        return Err(values::bad(
            format!("period {period} is not a year and a month"),
            "write it like 202611 for November 2026",
        ));
    }
    let facility = desk.own_facility(facility)?;
    Ok(Terms { scheme, facility, element: values::element(element)?, period })
}

impl Terms<'_> {
    fn account(&self) -> AccountKey {
        AccountKey {
            scheme: self.scheme.into(),
            facility: self.facility,
            element: self.element,
            period: self.period,
        }
    }

    fn line(&self, lot: u32) -> LineKey {
        LineKey { lot, element: self.element, scheme: self.scheme.into() }
    }
}

/// Milligrams of the element in so much of the lot, at most.
fn contained_mg(touched: &Touched, element: u8, dry_mg: u64) -> u128 {
    u128::from(dry_mg) * u128::from(touched.lot.ppb(element).unwrap_or(0)) / 1_000_000_000
}

/// Certified material came to a facility: it earns once per scheme and element, at most what it contains.
pub(crate) fn deposit(desk: &mut Desk<'_>, event: &CreditDeposit) -> Verdict<()> {
    let terms = terms(desk, &event.scheme, &event.facility, event.element, event.period)?;
    let touched = desk.touch(event.lot.as_ref())?;
    desk.must_hold(&touched, "earn credits with")?;
    check_attestation(desk, event)?;
    if event.mg == 0 || event.conversion_ppm > 1_000_000 {
        return Err(values::bad(
            format!("a deposit of {} mg at a conversion of {} ppm", event.mg, event.conversion_ppm),
            "state more than zero, and a conversion of at most 1000000 ppm",
        ));
    }
    let standing = &touched.lot.standing;
    let came_mg = touched.lot.passport.created_mg.saturating_sub(standing.shortfall_mg);
    let contained = contained_mg(&touched, terms.element, came_mg);
    if u128::from(event.mg) > contained {
        return Err(refuse(
            Rule::C4,
            Reason::CreditOverdrawn,
            format!(
                "{} of {} are deposited for lot {}, which contained {}",
                weight(event.mg),
                values::symbol(terms.element),
                touched.lot.id(),
                weight_of_sum(contained)
            ),
            "deposit at most what the lot contained",
        )
        .lot(touched.lot.id()));
    }
    let line_key = terms.line(touched.ordinal);
    let line = desk.state.books.lines.get(&line_key).copied().unwrap_or_default();
    if line.earned_mg != 0 {
        return Err(refuse(
            Rule::C4,
            Reason::CreditOverdrawn,
            format!(
                "lot {} has earned its credits under {} before: a lot earns once",
                touched.lot.id(),
                event.scheme
            ),
            "withdraw the earlier deposit if it was wrong",
        )
        .lot(touched.lot.id()));
    }
    let key = terms.account();
    let balance = desk.state.books.accounts.get(&key).copied().unwrap_or(0);
    let Some(balance) = balance.checked_add(earned_mg(event)) else {
        return Err(values::bad("the balance would exceed any mass", "check the milligrams"));
    };
    desk.writes.push(Write::Line(Box::new(line_key), Some(Line { earned_mg: event.mg, ..line })));
    desk.writes.push(Write::Account(Box::new(key), Some(balance)));
    desk.put(&touched);
    Ok(())
}

/// Credits of a deposit: the metal times the conversion, rounded down.
fn earned_mg(event: &CreditDeposit) -> u64 {
    let mg = u128::from(event.mg) * u128::from(event.conversion_ppm) / 1_000_000;
    u64::try_from(mg).unwrap_or(event.mg)
}

/// The certificate is of that scheme, about this lot, facility or member, and in force at the event.
fn check_attestation(desk: &Desk<'_>, event: &CreditDeposit) -> Verdict<()> {
    let place = commission::known_attestation(desk, &event.attestation)?;
    let Some(roster::RosterEntry::Attestation(standing)) = desk.state.roster().get(place as usize) else {
        return Ok(());
    };
    let attestation = roster::attestation(standing);
    let lot = event.lot.as_ref().map_or("", |lot| lot.lot.as_str());
    let subject = attestation.subject.as_str();
    let event_ms = desk.record.event_time_ms;
    let fault: Option<String> = if attestation.scheme != event.scheme {
        Some(format!("is of scheme {:?}", attestation.scheme))
    } else if subject != lot && subject != event.facility && subject != desk.author_id() {
        Some(format!("is about {subject}"))
    } else if roster::attestation_state(standing) != AttestationState::Reinstated {
        Some("is suspended or revoked".into())
    } else if event_ms < attestation.valid_from_ms || event_ms > attestation.valid_until_ms {
        Some("is not valid at the event time".into())
    } else {
        None
    };
    fault.map_or(Ok(()), |fault| {
        Err(refuse(
            Rule::C4,
            Reason::BadValue,
            format!("attestation {} {fault}, so it certifies nothing for this deposit", event.attestation),
            "name a certificate of that scheme for the lot, its facility or its holder",
        )
        .named(&event.attestation))
    })
}

/// Credits spent on an output lot: from the account of the period (C4), and never on a line that
/// also makes a physical claim (C5).
pub(crate) fn claim(desk: &mut Desk<'_>, event: &CreditClaim) -> Verdict<()> {
    let terms = terms(desk, &event.scheme, &event.facility, event.element, event.period)?;
    let touched = desk.touch(event.lot.as_ref())?;
    desk.must_hold(&touched, "claim credits for")?;
    let lot = &touched.lot;
    if !matches!(lot.passport.model, CustodyModel::MassBalance | CustodyModel::BookAndClaim) {
        return Err(refuse(
            Rule::C5,
            Reason::CreditAndPhysical,
            format!(
                "lot {} is stated as {}, a physical claim: credits cannot be claimed on the same line",
                lot.id(),
                model_name(lot.passport.model)
            ),
            "claim credits for lots of the mass balance or book and claim model",
        )
        .lot(lot.id()));
    }
    if event.mg == 0 {
        return Err(values::bad("a claim of 0 mg", "state how much is claimed"));
    }
    let line_key = terms.line(touched.ordinal);
    let line = desk.state.books.lines.get(&line_key).copied().unwrap_or_default();
    let claimed = u128::from(line.claimed_mg) + u128::from(event.mg);
    let contained = contained_mg(&touched, terms.element, lot.passport.created_mg);
    if claimed > contained {
        return Err(refuse(
            Rule::C4,
            Reason::CreditOverdrawn,
            format!(
                "{} of {} would be claimed for lot {}, which contains {}",
                weight_of_sum(claimed),
                values::symbol(terms.element),
                lot.id(),
                weight_of_sum(contained)
            ),
            "claim at most what the lot contains",
        )
        .lot(lot.id()));
    }
    let key = terms.account();
    let balance = desk.state.books.accounts.get(&key).copied().unwrap_or(0);
    let Some(rest) = balance.checked_sub(event.mg) else {
        return Err(refuse(
            Rule::C4,
            Reason::CreditOverdrawn,
            format!(
                "{} of {} are claimed, the balance of {} at {} for {} is {}",
                weight(event.mg),
                values::symbol(terms.element),
                event.scheme,
                event.facility,
                event.period,
                weight(balance)
            ),
            "claim less, or deposit the credits of that period first",
        )
        .lot(lot.id()));
    };
    let claimed_mg = claimed as u64;
    desk.writes.push(Write::Line(Box::new(line_key), Some(Line { claimed_mg, ..line })));
    desk.writes.push(Write::Account(Box::new(key), Some(rest)));
    desk.put(&touched);
    Ok(())
}

/// A withdrawn deposit takes its credits back, unless they are spent.
pub(crate) fn reverse_deposit(desk: &mut Desk<'_>, event: &CreditDeposit, id: RecordId) -> Verdict<()> {
    let terms = terms(desk, &event.scheme, &event.facility, event.element, event.period)?;
    let earned = earned_mg(event);
    let key = terms.account();
    let balance = desk.state.books.accounts.get(&key).copied().unwrap_or(0);
    let Some(rest) = balance.checked_sub(earned) else {
        return Err(refuse(
            Rule::C4,
            Reason::DependentsStand,
            format!(
                "record {} earned {} and the balance is {}: claims rest on it",
                brief(&id),
                weight(earned),
                weight(balance)
            ),
            "withdraw claims of that period first",
        )
        .record(id));
    };
    reverse_line(desk, &terms, event.lot.as_ref(), |line| line.earned_mg = 0);
    desk.writes.push(Write::Account(Box::new(key), (rest != 0).then_some(rest)));
    Ok(())
}

/// A withdrawn claim gives the credits back.
pub(crate) fn reverse_claim(desk: &mut Desk<'_>, event: &CreditClaim) {
    let Ok(terms) = terms(desk, &event.scheme, &event.facility, event.element, event.period) else { return };
    let key = terms.account();
    let balance = desk.state.books.accounts.get(&key).copied().unwrap_or(0);
    reverse_line(desk, &terms, event.lot.as_ref(), |line| {
        line.claimed_mg = line.claimed_mg.saturating_sub(event.mg);
    });
    desk.writes.push(Write::Account(Box::new(key), Some(balance.saturating_add(event.mg))));
}

fn reverse_line(
    desk: &mut Desk<'_>,
    terms: &Terms<'_>,
    lot: Option<&ore_record::v1::LotRef>,
    change: impl FnOnce(&mut Line),
) {
    let Some(ordinal) = lot.and_then(|lot| desk.state.lot_ordinal(&lot.lot)) else { return };
    let key = terms.line(ordinal);
    let mut line = desk.state.books.lines.get(&key).copied().unwrap_or_default();
    change(&mut line);
    let line = (line != Line::default()).then_some(line);
    desk.writes.push(Write::Line(Box::new(key), line));
}
