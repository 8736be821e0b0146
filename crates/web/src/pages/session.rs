//! Signing in: a token of the member's key opens a session; the key stays where it is.

use maud::{Markup, html};

use crate::{layout::Frame, locale::fill};

pub(crate) fn page(frame: &Frame<'_>) -> Markup {
    let t = frame.words();
    frame.page(t.sign_in, &[], html! {
        div.narrow {
            h1 { (t.session_title) }
            @if let Some(why) = frame.asked.query.get("refused") {
                p.note.bad role="alert" { (fill(t.session_bad, &[why])) }
            }
            p { (t.session_how) }
            pre { code { "oreledger token" } }
            form method="post" action="/session" {
                label for="token" { (t.session_token) }
                textarea #token name="token" rows="4" required maxlength="2048" autocomplete="off" spellcheck="false" {}
                p { button type="submit" { (t.sign_in) } }
            }
        }
    })
}
