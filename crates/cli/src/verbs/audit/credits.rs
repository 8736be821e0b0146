//! The ledgers of claims and of metal that is owed, apart from the physical one.

use clap::Args;
use ore_record::elements;
use ore_wire::v1::{AsOf, CreditsRequest, MetalAccountsRequest};
use serde_json::json;

use super::{When, atom, hex_of, note, ratio, signed_kg, size};
use crate::{
    context::Context,
    failure::Outcome,
    output::{self, kilograms, table},
    post::engine::failure,
    verbs::trace::element,
};

#[derive(Args, Debug)]
pub(crate) struct Credits {
    /// Facility [default: all]
    #[arg(long, value_name = "FACILITY")]
    facility: Option<String>,
    /// Scheme [default: all]
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<String>,
    /// Element [default: all]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn credits(context: &Context, verb: &Credits) -> Outcome {
    let request = CreditsRequest {
        facility: verb.facility.clone().unwrap_or_default(),
        scheme: verb.scheme.clone().unwrap_or_default(),
        element: atom(verb.element.as_deref())?,
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.credits(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        let accounts = answer.accounts.iter().map(|it| {
            let movements = it.movements.iter().map(|it| {
                json!({ "record": hex_of(&it.record_id), "lot": it.lot, "mg": it.mg, "book_and_claim": it.book_and_claim })
            });
            json!({
                "scheme": it.scheme, "facility": it.facility, "element": elements::symbol(it.element),
                "period": it.period, "deposited_mg": it.deposited_mg, "earned_mg": it.earned_mg,
                "claimed_mg": it.claimed_mg, "book_and_claim_mg": it.book_and_claim_mg,
                "lapsed_mg": it.lapsed_mg, "balance_mg": it.balance_mg, "input_mg": it.input_mg,
                "rolling_average": it.rolling_average.filter(|it| it.known).map(|it| output::decimal(it.e18)),
                "movements": movements.collect::<Vec<_>>(),
            })
        });
        return output::json(
            &json!({ "tree_size": size(answer.basis.as_ref()), "accounts": accounts.collect::<Vec<_>>() }),
        );
    }
    output::note("claim credits are no physical shares and are never added to them");
    let head = [
        "scheme",
        "facility",
        "element",
        "period",
        "earned",
        "claimed",
        "lapsed",
        "balance",
        "rolling average",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.accounts.iter().map(|it| {
        vec![
            it.scheme.clone(),
            it.facility.clone(),
            elements::symbol(it.element).unwrap_or("?").to_owned(),
            it.period.to_string(),
            kilograms(it.earned_mg),
            kilograms(it.claimed_mg),
            kilograms(it.lapsed_mg),
            kilograms(it.balance_mg),
            ratio(it.rolling_average.as_ref()),
        ]
    }));
    output::data(&table(&rows, &[4, 5, 6, 7, 8]))
}

#[derive(Args, Debug)]
pub(crate) struct Accounts {
    /// Element, such as Ta
    element: String,
    /// Only accounts of this member
    #[arg(long, value_name = "MEMBER")]
    of: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn accounts(context: &Context, verb: &Accounts) -> Outcome {
    let request = MetalAccountsRequest {
        element: element(&verb.element)?,
        member: verb.of.clone().unwrap_or_default(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.metal_accounts(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        let accounts = answer.accounts.iter().map(|it| {
            json!({
                "customer": it.customer, "toller": it.toller, "delivered_mg": it.delivered_mg,
                "returned_mg": it.returned_mg, "owed_mg": it.owed_mg, "held_mg": it.held_mg,
                "declared_loss_mg": it.declared_loss_mg,
            })
        });
        return output::json(&json!({
            "element": verb.element, "tree_size": size(answer.basis.as_ref()), "accounts": accounts.collect::<Vec<_>>(),
        }));
    }
    let head = ["customer", "toller", "delivered", "returned", "owed", "held", "declared loss"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.accounts.iter().map(|it| {
        vec![
            it.customer.clone(),
            it.toller.clone(),
            kilograms(it.delivered_mg),
            kilograms(it.returned_mg),
            signed_kg(it.owed_mg),
            kilograms(it.held_mg),
            kilograms(it.declared_loss_mg),
        ]
    }));
    output::data(&table(&rows, &[2, 3, 4, 5, 6]))
}
