//! `oreledger declare`: statements beside custody, such as seals, footprints, credits, and that something was erased.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::sign::{self, Statement};
use crate::{context::Context, failure::Outcome};

#[derive(Subcommand, Debug)]
pub(crate) enum Declare {
    /// State what became of a seal
    Seal(Seal),
    /// State what making a lot cost the environment
    Footprint(Footprint),
    /// State that certified material entered a facility and earned credits
    Deposit(Deposit),
    /// Spend credits on a lot
    Claim(Claim),
    /// State that what a record committed to was erased; the record stays
    Erased(Erased),
}

pub(crate) async fn run(context: &Context, verb: &Declare) -> Outcome {
    match verb {
        Declare::Seal(it) => seal(context, it).await,
        Declare::Footprint(it) => footprint(context, it).await,
        Declare::Deposit(it) => {
            let mut fields = of(&it.account);
            fields["conversion_ppm"] = json!(it.conversion_ppm);
            fields["attestation"] = json!(it.attestation);
            sign::state(context, &it.statement, "credit_deposit", fields).await
        }
        Declare::Claim(it) => sign::state(context, &it.statement, "credit_claim", of(&it.account)).await,
        Declare::Erased(it) => erased(context, it).await,
    }
}

fn of(it: &Account) -> Value {
    json!({
        "lot": it.lot, "scheme": it.scheme, "facility": it.facility, "element": it.element,
        "mg": it.mass, "period": it.period,
    })
}

#[derive(Args, Debug)]
pub(crate) struct Seal {
    /// Lot
    lot: String,
    /// Number on the seal
    seal: String,
    /// applied, checked, broken or voided
    #[arg(long)]
    action: String,
    #[command(flatten)]
    statement: Statement,
}

async fn seal(context: &Context, verb: &Seal) -> Outcome {
    let fields = json!({ "lot": verb.lot, "seal": verb.seal, "action": verb.action });
    sign::state(context, &verb.statement, "seal", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Footprint {
    /// Lot whose making is described
    lot: String,
    /// How it was computed, such as "ISO 14067, cradle to gate"
    #[arg(long)]
    method: String,
    /// Grams of CO2 equivalent
    #[arg(long, value_name = "G", default_value_t = 0, hide_default_value = true)]
    co2e_g: u64,
    /// Energy in kilojoules
    #[arg(long, value_name = "KJ", default_value_t = 0, hide_default_value = true)]
    energy_kj: u64,
    /// Water in litres
    #[arg(long, value_name = "L", default_value_t = 0, hide_default_value = true)]
    water_l: u64,
    /// Acid waste, such as "12 kg"
    #[arg(long, value_name = "MASS", default_value = "0 kg", hide_default_value = true)]
    acid_waste: String,
    /// Radioactive waste, such as "3 kg"
    #[arg(long, value_name = "MASS", default_value = "0 kg", hide_default_value = true)]
    radioactive_waste: String,
    /// Thorium in it, such as "40 g"
    #[arg(long, value_name = "MASS", default_value = "0 kg", hide_default_value = true)]
    thorium: String,
    /// Uranium in it, such as "10 g"
    #[arg(long, value_name = "MASS", default_value = "0 kg", hide_default_value = true)]
    uranium: String,
    #[command(flatten)]
    statement: Statement,
}

async fn footprint(context: &Context, verb: &Footprint) -> Outcome {
    let fields = json!({
        "lot": verb.lot, "method": verb.method, "co2e_g": verb.co2e_g, "energy_kj": verb.energy_kj,
        "water_l": verb.water_l, "acid_waste_mg": verb.acid_waste,
        "radioactive_waste_mg": verb.radioactive_waste, "thorium_mg": verb.thorium,
        "uranium_mg": verb.uranium,
    });
    sign::state(context, &verb.statement, "footprint", fields).await
}

/// Which account of credits.
#[derive(Args, Debug)]
struct Account {
    /// Lot
    lot: String,
    /// Scheme of the credits
    #[arg(long)]
    scheme: String,
    /// Facility that keeps the account
    #[arg(long)]
    facility: String,
    /// Element
    #[arg(long, value_name = "SYMBOL")]
    element: String,
    /// Mass of the element, such as "12 kg"
    #[arg(long)]
    mass: String,
    /// Year and month of the balance, such as 202611
    #[arg(long, value_name = "YYYYMM")]
    period: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Deposit {
    #[command(flatten)]
    account: Account,
    /// Conversion factor of the process, parts per million
    #[arg(long, value_name = "PPM", default_value_t = 1_000_000)]
    conversion_ppm: u32,
    /// Attestation that certifies the lot
    #[arg(long)]
    attestation: String,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct Claim {
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct Erased {
    /// Record whose confidential values or documents its author has erased; the record itself stays
    record: String,
    /// Why, such as a request under data protection law
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

async fn erased(context: &Context, verb: &Erased) -> Outcome {
    super::receipt::record_id(&verb.record)?;
    let fields = json!({ "record": verb.record, "reason": verb.reason });
    sign::state(context, &verb.statement, "erased", fields).await
}

#[cfg(test)]
mod tests {
    use ore_record::v1::{SealAction, record::Event};

    use super::*;

    fn read(event: &str, fields: serde_json::Value) -> Event {
        let line = json!({ event: fields, "author": "refiner-a", "event_time_ms": 1 });
        let record = ore_exchange::json::record_from_json(&line).expect("people's words");
        record.event.expect("an event")
    }

    #[test]
    fn people_words_become_the_events_that_they_name() {
        let fields = json!({ "lot": "refiner-a/1", "seal": "S-7", "action": "broken" });
        let Event::Seal(seal) = read("seal", fields) else { panic!("a seal") };
        assert_eq!((seal.seal.as_str(), seal.action()), ("S-7", SealAction::Broken));

        let fields = json!({
            "lot": "refiner-a/1", "method": "ISO 14067", "co2e_g": 12, "acid_waste_mg": "2 kg", "thorium_mg": "0 kg",
        });
        let Event::Footprint(footprint) = read("footprint", fields) else { panic!("a footprint") };
        assert_eq!((footprint.co2e_g, footprint.acid_waste_mg, footprint.thorium_mg), (12, 2_000_000, 0));

        let fields = json!({
            "lot": "refiner-a/1", "scheme": "demo", "facility": "refiner-a/plant", "element": "Ta", "mg": "1 kg",
            "period": 202_611, "conversion_ppm": 990_000, "attestation": "certifier/1",
        });
        let Event::CreditDeposit(deposit) = read("credit_deposit", fields) else { panic!("a deposit") };
        assert_eq!((deposit.element, deposit.mg, deposit.conversion_ppm), (73, 1_000_000, 990_000));

        let fields = json!({ "record": "ab".repeat(32), "reason": "asked for" });
        let Event::Erased(erased) = read("erased", fields) else { panic!("an erasure") };
        assert_eq!(erased.record, vec![0xab; 32]);
    }
}
