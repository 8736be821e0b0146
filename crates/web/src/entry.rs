//! Pages on which people enter data and verify evidence; what they do is done by scripts in the browser.

use maud::{Markup, html};

use crate::{Refused, Source, layout::Frame};

/// The page that verifies a file in the browser.
pub(crate) fn verify(frame: &Frame<'_>) -> Markup {
    let t = frame.words();
    frame.page(
        t.verify_title,
        &["verify.js"],
        html! {
            h1 { (t.verify_title) }
            p.lead { (t.verify_intro) }
            div #verify data-origin=(frame.info.origin) {
                noscript { p.note { (t.needs_script) } }
            }
        },
    )
}

/// The forms of the refiner's daily work; `form` names one of them.
pub(crate) async fn enter(
    _source: &dyn Source,
    frame: &Frame<'_>,
    form: Option<&str>,
) -> Result<Markup, Refused> {
    let t = frame.words();
    Ok(frame.page(
        t.enter_title,
        &["entry.js"],
        html! {
            h1 { (t.enter_title) }
            p.lead { (t.enter_intro) }
            div #entry data-form=(form.unwrap_or_default()) {
                noscript { p.note { (t.needs_script) } }
            }
        },
    ))
}
