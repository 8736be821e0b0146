//! The frame around every page: header, search, as-of slider, footer.

use maud::{DOCTYPE, Markup, html};
use ore_wire::v1::GetInfoResponse;

use crate::{
    Asked, Language, Page, Refused, Source, Viewer,
    locale::{fill, thousands},
    words::Words,
};

/// What every page knows: the address, the language, the ledger.
pub(crate) struct Frame<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) language: Language,
    pub(crate) info: GetInfoResponse,
}

impl<'a> Frame<'a> {
    /// Asks the node which ledger this is.
    pub(crate) async fn of(source: &dyn Source, asked: &'a Asked) -> Result<Self, Refused> {
        Ok(Self { asked, language: asked.language(), info: source.info().await? })
    }

    /// The texts.
    pub(crate) fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Entries of the log to look at; 0: all.
    pub(crate) fn at(&self) -> u64 {
        let at = self.asked.at();
        if at >= self.info.durable_size { 0 } else { at }
    }

    /// Whether members' pages are shown to whoever looks.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.asked.viewer, Viewer::Member(_) | Viewer::Everybody)
    }

    /// An address with the as-of size that is looked at kept.
    pub(crate) fn href(&self, path: &str) -> String {
        match self.at() {
            0 => path.to_owned(),
            at => format!("{path}{}at={at}", if path.contains('?') { '&' } else { '?' }),
        }
    }

    /// A whole page. `scripts` are names of assets that enhance it.
    pub(crate) fn page(&self, title: &str, scripts: &[&str], body: Markup) -> Markup {
        let t = self.words();
        let scripts = html! {
            script src="/assets/pages.js" defer {}
            @for script in scripts {
                script src={ "/assets/" (script) } type="module" {}
            }
        };
        let body = html! {
            a.skip href="#content" { (t.skip) }
            (self.header())
            @if self.reads() { (self.slider()) }
            main #content tabindex="-1" { (body) }
            (self.footer())
        };
        document(self.language, title, &scripts, &body)
    }

    fn header(&self) -> Markup {
        let t = self.words();
        let here = self.asked.path.as_str();
        let items = [
            ("/", t.nav_ledger),
            ("/lots", t.nav_lots),
            ("/findings", t.nav_findings),
            ("/facilities", t.nav_balance),
            ("/circularity", t.nav_circularity),
            ("/enter", t.nav_enter),
            ("/verify", t.nav_verify),
        ];
        let current =
            |path: &str| if path == "/" { here == "/" || here == "/ledger" } else { here.starts_with(path) };
        let guest = matches!(self.asked.viewer, Viewer::Guest { .. });
        html! {
            header.top {
                (brand(t))
                @if !guest {
                    nav aria-label=(t.menu) {
                        ul {
                            @for (path, name) in items {
                                li { a href=(self.href(path)) aria-current=[current(path).then_some("page")] { (name) } }
                            }
                        }
                    }
                    form.search role="search" action="/lots" method="get" {
                        input type="search" name="q" aria-label=(t.search_label) placeholder=(t.search_label)
                            maxlength="96" value=[self.asked.query.get("q")];
                        @if self.at() > 0 { input type="hidden" name="at" value=(self.at()); }
                        button type="submit" { (t.search) }
                    }
                }
                div.who {
                    span.languages aria-label=(t.language) role="group" {
                        @for (language, name) in Language::ALL {
                            @if language == self.language {
                                span aria-current="true" { (name) }
                            } @else {
                                a href={ (self.asked.path) (self.asked.query.with(&[("lang", language.tag())])) }
                                    hreflang=(language.tag()) lang=(language.tag()) { (name) }
                            }
                        }
                    }
                    @match &self.asked.viewer {
                        Viewer::Member(member) => form action="/session" method="post" {
                            span title=(fill(t.signed_in_as, &[member])) { (member) } " "
                            button.plain type="submit" name="end" value="1" { (t.sign_out) }
                        },
                        Viewer::Stranger => a href="/session" { (t.sign_in) },
                        Viewer::Everybody => span.faint { (t.open_ledger) },
                        Viewer::Guest { .. } => {},
                    }
                }
            }
        }
    }

    /// As of which entry: a form that works by itself; the script shows the number while it is dragged.
    fn slider(&self) -> Markup {
        let t = self.words();
        let newest = self.info.durable_size.max(1);
        let at = self.at();
        let shown = if at == 0 { newest } else { at };
        let said = if at == 0 {
            fill(t.as_of_newest, &[&thousands(newest)])
        } else {
            fill(t.as_of_shown, &[&thousands(at), &thousands(newest)])
        };
        html! {
            form.asof.past[at > 0] method="get" action=(self.asked.path) {
                @for (name, value) in self.asked.query.pairs().filter(|(name, _)| !["at", "lang"].contains(name)) {
                    input type="hidden" name=(name) value=(value);
                }
                label for="at" { (t.as_of) }
                input #at type="range" name="at" min="1" max=(newest) value=(shown) data-output="at-out";
                output #at-out for="at" { (thousands(shown)) }
                button type="submit" { (t.as_of_go) }
                span.said { (said) }
                @if at > 0 { a href={ (self.asked.path) (self.asked.query.with(&[("at", "")])) } { (t.as_of_back) } }
            }
        }
    }

    fn footer(&self) -> Markup {
        let (t, info) = (self.words(), &self.info);
        html! {
            footer.bottom {
                p { (fill(t.footer_origin, &[&info.origin, &thousands(info.height), &thousands(info.durable_size)])) " · "
                    (fill(t.footer_node, &[&info.member, &info.version])) }
                p { (t.footer_word) }
            }
        }
    }
}

/// A document in a language: what every page of ours says of itself, with or without a ledger behind it.
fn document(language: Language, title: &str, scripts: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (language.words().product) }
                link rel="stylesheet" href="/assets/style.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                (scripts)
            }
            body { (body) }
        }
    }
}

fn brand(t: &'static Words) -> Markup {
    html! { a.brand href="/" { img src="/assets/icon.svg" alt="" width="28" height="28"; span { (t.product) } } }
}

/// Heading and next step of a refusal.
fn sayings(t: &'static Words, refused: &Refused) -> (&'static str, &'static str) {
    match refused {
        Refused::SignIn(_) => (t.error_sign_in, t.error_next_sign_in),
        Refused::Denied(_) => (t.error_denied, t.error_next_denied),
        Refused::NotFound(_) => (t.error_not_found, t.error_next_not_found),
        Refused::Bad(_) => (t.error_bad, t.error_next_not_found),
        Refused::Later(_) => (t.error_later, t.error_next_later),
        Refused::Broken(_) => (t.error_broken, t.error_next_broken),
    }
}

/// What a refusal says, and what to do next.
fn told(frame: &Frame<'_>, title: &str, why: &Refused, next: &str) -> Markup {
    let t = frame.words();
    // What was not found may have come later than the entry that is looked at.
    let early = frame.at() > 0 && matches!(why, Refused::NotFound(_));
    html! {
        div.narrow {
            h1 { (title) }
            p.lead { (crate::told::told(frame.language, &why.to_string())) }
            @if early {
                p { (fill(t.error_not_yet, &[&thousands(frame.at())])) }
                p { a href={ (frame.asked.path) (frame.asked.query.with(&[("at", "")])) } { (t.as_of_back) } }
            }
            p { (next) }
            @if matches!(why, Refused::SignIn(_)) { p { a.button href="/session" { (t.sign_in) } } }
        }
    }
}

/// A refusal inside the frame.
pub(crate) fn refused(frame: &Frame<'_>, refused: &Refused) -> Markup {
    let (title, next) = sayings(frame.words(), refused);
    frame.page(title, &[], told(frame, title, refused, next))
}

/// A refusal before anything is known of the ledger: by the node's own access rules, for example.
#[must_use]
pub fn refusal(asked: &Asked, why: &Refused) -> Page {
    let frame = Frame { asked, language: asked.language(), info: GetInfoResponse::default() };
    let (title, next) = sayings(frame.words(), why);
    let body = html! {
        header.top { (brand(frame.words())) }
        main #content { (told(&frame, title, why, next)) }
    };
    Page::html(why.status(), document(frame.language, title, &html! {}, &body))
}
