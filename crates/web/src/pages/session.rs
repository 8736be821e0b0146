//! Signing in: a token of the member's key opens a session; the key stays where it is.

use maud::{Markup, html};
use ore_record::MemberId;
use ore_wire::token::BadToken;

use crate::{layout::Frame, locale::fill, told::told};

/// Whether a node says this of a token. Anything else in the address was written by whoever made the link, and would
/// stand here as if this node had said it.
fn ours(why: &str) -> bool {
    use BadToken::{Audience, Expired, Kind, Malformed, NotYet, Signature, TooLong, TooLongLived};
    let bad = [TooLong, Malformed, Kind, Signature, Audience, Expired, NotYet, TooLongLived];
    let key = why.strip_prefix("the token's key is not, or no longer, a key of member ");
    bad.iter().any(|bad| bad.to_string() == why)
        || why == "a share link opens its own page, not a session"
        || key.is_some_and(|member| MemberId::parse(member).is_ok())
}

pub(crate) fn page(frame: &Frame<'_>) -> Markup {
    let t = frame.words();
    frame.page(t.sign_in, &[], html! {
        div.narrow {
            h1 { (t.session_title) }
            @if let Some(why) = frame.asked.query.get("refused") {
                p.note.bad role="alert" {
                    @if ours(why) { (fill(t.session_bad, &[&told(frame.language, why)])) } @else { (t.session_refused) }
                }
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
