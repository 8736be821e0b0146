//! Compositions: well formed, summing to no more than the whole (M9), no grade above the pure compound (M10).

use alloc::{format, vec::Vec};

use ore_record::{
    content::{self, BadContent},
    v1,
};

use crate::{
    lot::Composition,
    rejection::{Reason, Rule, Verdict, refuse},
    rules::values,
};

/// Converts a composition to elements. Nothing stated gives an empty one.
pub(crate) fn check(stated: Option<&v1::Composition>, compound: &str, lot: &str) -> Verdict<Composition> {
    let elements = match stated {
        None => Vec::new(),
        Some(stated) => {
            values::text("the method of the composition", &stated.method, 64)?;
            values::text("the laboratory of the composition", &stated.laboratory, 32)?;
            values::known::<v1::AssayStage>("assay stage", stated.stage)?;
            content::elements_of(stated).map_err(|bad| refusal(&bad, lot))?
        }
    };
    content::check_compound(&elements, compound).map_err(|bad| refusal(&bad, lot))?;
    Ok(elements.into())
}

fn refusal(bad: &BadContent, lot: &str) -> alloc::boxed::Box<crate::Rejection> {
    let message = format!("lot {lot}: {bad}");
    match bad {
        BadContent::SumAboveWhole { .. } => refuse(
            Rule::M9,
            Reason::CompositionSum,
            message,
            "check the units: 1 % is 10,000,000 ppb, and an oxide is stated as the oxide",
        ),
        BadContent::AbovePureCompound { .. } => refuse(
            Rule::M10,
            Reason::GradeAboveCompound,
            message,
            "state the content as the oxide, correct the grade, or leave the compound empty",
        ),
        _ => values::bad(message, "correct the composition"),
    }
}
