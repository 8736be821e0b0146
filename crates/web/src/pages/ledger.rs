//! The ledger: nodes, height, checkpoint, and what was recorded last.

use maud::{Markup, html};

use crate::{Refused, Source, layout::Frame};

pub(crate) async fn page(_source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    Ok(frame.page(t.nav_ledger, &[], html! { h1 { (t.nav_ledger) } }))
}
