//! A record in plain words: what a person agrees to before signing.
//!
//! Every event has words; nothing that is signed is left out except ids of records and the nonce.

use std::fmt::Display;

use ore_record::{
    RecordId, elements,
    v1::{self, Composition, LotRef, Mass, NewLot, Record, record::Event},
};

/// The record, one statement a line, the most important first.
#[must_use]
pub fn describe(record: &Record) -> Vec<String> {
    let Some(event) = &record.event else { return vec!["nothing".to_owned()] };
    let mut lines = event_words(&record.author, event);
    if record.event_time_ms > 0 {
        lines.push(format!("when: {}", crate::write_time(record.event_time_ms, record.utc_offset_minutes)));
    }
    if !record.note.is_empty() {
        lines.push(format!("note: {}", record.note));
    }
    for document in &record.documents {
        lines.push(format!(
            "document: {} ({}, {} bytes)",
            document.kind, document.media_type, document.length
        ));
    }
    if !record.corrects.is_empty() {
        lines.push(format!("in place of the withdrawn record {}", id(&record.corrects)));
    }
    lines
}

/// One line for a history.
#[must_use]
pub fn headline(record: &Record) -> String {
    record.event.as_ref().map_or_else(String::new, |event| {
        let lines = event_words("", event);
        lines.first().map_or_else(String::new, |line| line.trim_start().to_owned())
    })
}

fn event_words(who: &str, event: &Event) -> Vec<String> {
    match event {
        Event::Commission(it) => commission(who, it),
        Event::Transform(it) => transform(who, it),
        Event::Ship(it) => ship(who, it),
        Event::Accept(it) => {
            let mut lines = vec![format!(
                "{who} accepts {} at {}",
                lots(it.lots.iter().map(|lot| lot.lot.as_ref())),
                it.facility
            )];
            lines.extend(it.lots.iter().map(|lot| {
                let seals = word(lot.seals().as_str_name(), "SEAL_STATE_");
                format!("  {} weighed as {}, seals {seals}", name(lot.lot.as_ref()), mass(lot.mass.as_ref()))
            }));
            lines
        }
        Event::Decline(it) => {
            vec![format!("{who} declines {}: {}", lots(it.lots.iter().map(Some)), it.reason)]
        }
        Event::CancelShipment(it) => {
            vec![format!("{who} takes back the offer of {}: {}", lots(it.lots.iter().map(Some)), it.reason)]
        }
        Event::Assay(it) => {
            let mut lines = vec![format!("{who} measures {}", name(it.lot.as_ref()))];
            lines.extend(it.composition.iter().map(|it| format!("  {}", composition(it))));
            let spots = it.spots.len() + usize::from(!it.pattern.is_empty());
            if spots > 0 {
                lines.push(format!("  trace pattern of {} in {spots} spots, by {}", it.matrix, it.campaign));
            }
            if !it.commitment.is_empty() {
                lines.push("  commits to a result that is revealed later".to_owned());
            }
            lines
        }
        Event::Seal(it) => vec![format!(
            "{who}: seal {} on {} is {}",
            it.seal,
            name(it.lot.as_ref()),
            word(it.action().as_str_name(), "SEAL_ACTION_")
        )],
        Event::Use(it) => vec![format!(
            "{who} uses {}: {} are left, at {}",
            name(it.item.as_ref()),
            mass(it.net_mass.as_ref()),
            it.facility
        )],
        Event::Stocktake(it) => {
            let mut lines = vec![format!("{who} counts the stock at {}", it.facility)];
            lines.extend(it.lines.iter().map(|line| {
                let what = elements::symbol(line.element).unwrap_or("all");
                format!(
                    "  {} ({what}): {}",
                    word(line.material().as_str_name(), "MATERIAL_CLASS_"),
                    weight(line.mg)
                )
            }));
            lines
        }
        Event::Hold(it) => vec![format!("{who} holds {}: {}", name(it.lot.as_ref()), it.reason)],
        Event::Release(it) => vec![format!("{who} releases {}: {}", name(it.lot.as_ref()), it.reason)],
        Event::Recall(it) => {
            let what = if it.descendants { " and everything made of it" } else { "" };
            vec![format!("{who} recalls {}{what}: {}", name(it.lot.as_ref()), it.reason)]
        }
        Event::Dispose(it) => vec![format!(
            "{who} disposes of {} of {} ({}): {}",
            mass(it.mass.as_ref()),
            name(it.lot.as_ref()),
            word(it.kind().as_str_name(), "DISPOSE_KIND_"),
            it.reason
        )],
        Event::Footprint(it) => vec![
            format!("{who} states the footprint of {}", name(it.lot.as_ref())),
            format!(
                "  {} g CO2e, {} kJ, {} l of water; by {}",
                it.co2e_g, it.energy_kj, it.water_l, it.method
            ),
            format!(
                "  waste: acid {}, radioactive {} (Th {}, U {})",
                weight(it.acid_waste_mg),
                weight(it.radioactive_waste_mg),
                weight(it.thorium_mg),
                weight(it.uranium_mg)
            ),
        ],
        Event::Withdraw(it) => vec![format!(
            "{who} withdraws record {} ({}): {}",
            id(&it.record),
            word(it.reason().as_str_name(), "WITHDRAW_REASON_"),
            it.explanation
        )],
        Event::Erased(it) => {
            vec![format!("{who} has destroyed the private part of record {}: {}", id(&it.record), it.reason)]
        }
        Event::CreditDeposit(it) => vec![format!(
            "{who} earns {} of {} under {} from {}",
            weight(it.mg),
            symbol(it.element),
            it.scheme,
            name(it.lot.as_ref())
        )],
        Event::CreditClaim(it) => vec![format!(
            "{who} spends {} of {} under {} on {}",
            weight(it.mg),
            symbol(it.element),
            it.scheme,
            name(it.lot.as_ref())
        )],
        Event::ReferencePart(it) => vec![
            format!(
                "{who} states {} reference analyses of {:?} ({}) for library {}{}",
                it.analyses.len(),
                it.origin,
                it.matrix,
                it.library,
                if it.synthetic { "; they are SYNTHETIC" } else { "" }
            ),
            format!("  by {}; from {}", it.campaign, it.provenance),
        ],
        Event::PublishLibrary(it) => vec![format!(
            "{who} publishes version {} of library {} ({}) with {} parts{}",
            it.version,
            it.library,
            it.matrix,
            it.parts.len(),
            if it.synthetic { "; it is SYNTHETIC" } else { "" }
        )],
        Event::ClaimOrigin(it) => vec![format!(
            "{who} claims that {} is from {:?}, to be judged by library {}; this is never taken back",
            it.lot,
            it.origin,
            id(&it.library)
        )],
        governance => governance_words(who, governance),
    }
}

fn governance_words(who: &str, event: &Event) -> Vec<String> {
    match event {
        Event::AdmitMember(it) => {
            let member = it.member.clone().unwrap_or_default();
            let key = it.key.as_ref().map_or_else(String::new, |key| id(&key.public_key));
            vec![
                format!("{who} proposes {} as a member", member.id),
                format!(
                    "  {} in {}, as {}, with key {key}",
                    member.legal_name,
                    member.country,
                    roles(member.roles())
                ),
            ]
        }
        Event::ChangeRoles(it) => {
            vec![format!("{who} proposes that {} acts as {}", it.member, roles(it.roles()))]
        }
        Event::AddKey(it) => vec![format!(
            "{who} adds key {} to its own",
            it.key.as_ref().map_or_else(String::new, |key| id(&key.public_key))
        )],
        Event::RevokeKey(it) => vec![format!("{who} revokes its key {}: {}", id(&it.public_key), it.reason)],
        Event::RegisterFacility(it) => {
            let facility = it.facility.clone().unwrap_or_default();
            let kind = word(facility.kind().as_str_name(), "FACILITY_KIND_");
            let (latitude, longitude) = (degrees(facility.latitude_e7), degrees(facility.longitude_e7));
            vec![format!(
                "{who} registers {} ({}), {kind} in {} at {latitude}, {longitude}",
                facility.id, facility.name, facility.country
            )]
        }
        Event::Attest(it) => {
            let it = it.attestation.clone().unwrap_or_default();
            let (from, until) =
                (crate::write_time(it.valid_from_ms, 0), crate::write_time(it.valid_until_ms, 0));
            vec![
                format!(
                    "{who} attests {} for {}: {}",
                    word(it.kind().as_str_name(), "ATTESTATION_KIND_"),
                    it.subject,
                    it.id
                ),
                format!("  {} {}, from {from} until {until}", it.scheme, it.scope),
            ]
        }
        Event::ChangeAttestation(it) => vec![format!(
            "{who}: attestation {} is {}: {}",
            it.attestation,
            word(it.state().as_str_name(), "ATTESTATION_STATE_"),
            it.reason
        )],
        Event::SetProfile(it) => {
            let it = it.profile.clone().unwrap_or_default();
            vec![
                format!("{who} proposes profile {} {:?}", it.version, it.name),
                format!(
                    "  {} approvals; clock tolerance {} ms; offers live {} ms; metal gain limit {} ppm",
                    it.approvals_needed, it.clock_tolerance_ms, it.offer_lifetime_ms, it.metal_gain_limit_ppm
                ),
            ]
        }
        Event::ChangeValidators(it) => {
            let names: Vec<&str> = it.validators.iter().map(|validator| validator.member.as_str()).collect();
            let mut lines = vec![format!("{who} proposes that blocks are ordered by {}", names.join(", "))];
            if it.rules != 0 {
                lines.push(format!("  and judged by version {} of the rules from then on", it.rules));
            }
            lines
        }
        Event::Approve(it) => vec![format!("{who} approves record {}", id(&it.proposal))],
        _ => vec!["a seal of the ledger".to_owned()],
    }
}

fn commission(who: &str, it: &v1::Commission) -> Vec<String> {
    let kind = match it.kind() {
        v1::CommissionKind::Extracted => "extracted",
        v1::CommissionKind::CollectedScrap => "collected as scrap without history",
        v1::CommissionKind::DeclaredUnknown => "declared without a known origin",
        v1::CommissionKind::Unspecified => "commissioned",
    };
    let lot = it.lot.clone().unwrap_or_default();
    let mut lines = vec![format!("{who} states that lot {} was {kind} at {}", lot.lot, lot.facility)];
    lines.push(new_lot(&lot));
    if !it.attestations.is_empty() {
        lines.push(format!("  relying on {}", it.attestations.join(", ")));
    }
    lines
}

fn transform(who: &str, it: &v1::Transform) -> Vec<String> {
    let process = word(it.process().as_str_name(), "PROCESS_");
    let class = match it.recycling_class() {
        v1::RecyclingClass::Unspecified => String::new(),
        class => format!(" ({})", word(class.as_str_name(), "RECYCLING_CLASS_")),
    };
    let made: Vec<&str> =
        it.outputs.iter().filter_map(|output| output.lot.as_ref()).map(|lot| lot.lot.as_str()).collect();
    let mut lines = vec![format!(
        "{who} states {process}{class} at {}: {} from {}",
        it.facility,
        made.join(", "),
        lots(it.inputs.iter().map(|input| input.lot.as_ref()))
    )];
    lines.extend(
        it.inputs
            .iter()
            .map(|input| format!("  in   {} of {}", mass(input.mass.as_ref()), name(input.lot.as_ref()))),
    );
    lines.extend(
        it.outputs
            .iter()
            .filter_map(|output| output.lot.as_ref())
            .map(|lot| format!("  out  {}", new_lot(lot).trim_start())),
    );
    lines.extend(
        it.losses
            .iter()
            .map(|loss| format!("  lost {} of {}: {}", weight(loss.mg), symbol(loss.element), loss.reason)),
    );
    lines
}

fn ship(who: &str, it: &v1::Ship) -> Vec<String> {
    let transfer = word(it.transfer().as_str_name(), "TRANSFER_KIND_");
    let purpose = word(it.purpose().as_str_name(), "SHIP_PURPOSE_");
    let names = lots(it.lots.iter().map(|lot| lot.lot.as_ref()));
    let mut lines = vec![format!("{who} offers {names} to {}: {transfer}, {purpose}", it.receiver)];
    lines.extend(it.lots.iter().map(|lot| {
        let seals =
            if lot.seals.is_empty() { String::new() } else { format!(", seals {}", lot.seals.join(", ")) };
        format!("  {} weighs {}{seals}", name(lot.lot.as_ref()), mass(lot.mass.as_ref()))
    }));
    let to = if it.to_facility.is_empty() { String::new() } else { format!(" to {}", it.to_facility) };
    let carrier = if it.carrier.is_empty() { String::new() } else { format!(" with {}", it.carrier) };
    lines.push(format!(
        "  by {} from {}{to}{carrier}",
        word(it.mode().as_str_name(), "TRANSPORT_MODE_"),
        it.from_facility
    ));
    if !it.permits.is_empty() {
        lines.push(format!("  permits: {}", it.permits.join(", ")));
    }
    lines
}

fn new_lot(lot: &NewLot) -> String {
    let kind = if lot.form.is_empty() {
        word(lot.material().as_str_name(), "MATERIAL_CLASS_")
    } else {
        lot.form.clone()
    };
    let mut parts = vec![format!("{}: {} of {kind}", lot.lot, mass(lot.mass.as_ref()))];
    parts.extend(lot.composition.as_ref().map(composition).filter(|text| !text.is_empty()));
    if !lot.serial.is_empty() {
        parts.push(format!("serial {}", lot.serial));
    }
    if !lot.origin_country.is_empty() {
        parts.push(format!("origin {}", lot.origin_country));
    }
    if !lot.tags.is_empty() {
        parts.push(format!("tags {}", lot.tags.join(", ")));
    }
    format!("  {}", parts.join("; "))
}

/// A composition as it was stated, oxides as oxides.
#[must_use]
pub fn composition(it: &Composition) -> String {
    let content = |content: &v1::Content| {
        let name = if content.oxide.is_empty() { symbol(content.element) } else { content.oxide.clone() };
        let limit = if content.kind() == v1::ContentKind::BelowDetection { "< " } else { "" };
        let spread = if content.uncertainty_ppb == 0 {
            String::new()
        } else {
            format!(" ± {}", grade(content.uncertainty_ppb))
        };
        format!("{name} {limit}{}{spread}", grade(content.ppb))
    };
    let contents: Vec<String> = it.contents.iter().map(content).collect();
    let by = match (it.method.as_str(), it.laboratory.as_str()) {
        ("", "") => String::new(),
        (method, "") => format!(" (by {method})"),
        ("", laboratory) => format!(" (by {laboratory})"),
        (method, laboratory) => format!(" (by {laboratory}, {method})"),
    };
    format!("{}{by}", contents.join(", "))
}

fn mass(mass: Option<&Mass>) -> String {
    let Some(mass) = mass else { return "no mass".to_owned() };
    if mass.wet_mg == 0 {
        return weight(mass.dry_mg);
    }
    let moisture = grade(mass.moisture_ppm.saturating_mul(1_000));
    format!("{} dry ({} at {moisture} moisture)", weight(mass.dry_mg), weight(mass.wet_mg))
}

fn lots<'a>(refs: impl Iterator<Item = Option<&'a LotRef>>) -> String {
    refs.map(name).collect::<Vec<_>>().join(", ")
}

fn name(lot: Option<&LotRef>) -> String {
    lot.map_or_else(|| "no lot".to_owned(), |lot| lot.lot.clone())
}

fn symbol(element: u32) -> String {
    elements::symbol(element).map_or_else(|| format!("element {element}"), str::to_owned)
}

/// An enum's name as people say it.
#[must_use]
pub fn word(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => "not stated".to_owned(),
        rest => rest.to_ascii_lowercase().replace('_', " "),
    }
}

fn roles(roles: impl Iterator<Item = v1::Role>) -> String {
    roles.map(|role| word(role.as_str_name(), "ROLE_")).collect::<Vec<_>>().join(", ")
}

fn id(bytes: &[u8]) -> String {
    RecordId::try_from(bytes).map_or_else(|_| "(to be filled in)".to_owned(), short)
}

/// Ten-millionths of a degree as a decimal.
fn degrees(e7: i32) -> String {
    let sign = if e7 < 0 { "-" } else { "" };
    let part = format!("{:07}", e7.unsigned_abs() % 10_000_000);
    let part = part.trim_end_matches('0');
    format!("{sign}{}.{}", e7.unsigned_abs() / 10_000_000, if part.is_empty() { "0" } else { part })
}

/// Milligrams in the largest unit that keeps a whole before the point, exactly.
#[must_use]
pub fn weight(mg: u64) -> String {
    let (unit, divisor, places) = match mg {
        1_000_000_000.. => ("t", 1_000_000_000, 9),
        1_000_000.. => ("kg", 1_000_000, 6),
        1_000.. => ("g", 1_000, 3),
        _ => ("mg", 1, 0),
    };
    let whole = thousands(mg / divisor);
    let part = format!("{:0places$}", mg % divisor);
    let part = part.trim_end_matches('0');
    if places == 0 || part.is_empty() { format!("{whole} {unit}") } else { format!("{whole}.{part} {unit}") }
}

/// Digits in groups of three.
#[must_use]
pub fn thousands(number: u64) -> String {
    ore_merkle::thousands(number.into())
}

/// Parts per billion as an exact percentage.
#[must_use]
pub fn grade(ppb: u32) -> String {
    let part = format!("{:07}", ppb % 10_000_000);
    let part = part.trim_end_matches('0');
    let whole = ppb / 10_000_000;
    if part.is_empty() { format!("{whole} %") } else { format!("{whole}.{part} %") }
}

/// The first digits of an id, for people.
#[must_use]
pub fn short(id: impl Display) -> String {
    id.to_string().chars().take(12).collect()
}
